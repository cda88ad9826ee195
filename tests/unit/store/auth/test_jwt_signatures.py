"""How a token is believed: by a key of its issuer, used for what it is for, and by nothing in the token.

The names of tests are those of RFC 8725 (best current practices for JSON Web Tokens).
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from itertools import count

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.support.auth import enable, login, write
from tests.support.https_service import HttpsService
from tests.support.provider import JWKS

from holdfast.store.auth.provider_keys import PAUSE_SECONDS
from holdfast.tokens.compact import MAX_TOKEN_BYTES

RSA = rsa.generate_private_key(65_537, 2048)
OTHER_RSA = rsa.generate_private_key(65_537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
EC = {name: ec.generate_private_key(curve) for name, curve in CURVES.items()}
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
ALL = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_numbers = count()
CURVE_NAMES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def b64(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(algorithm, message, key=None):
    """Sign as any library does."""
    if algorithm == "EdDSA":
        return (key or ED).sign(message)
    hashed = HASHES[algorithm[2:]]
    if algorithm.startswith("RS"):
        return (key or RSA).sign(message, padding.PKCS1v15(), hashed)
    if algorithm.startswith("PS"):
        how = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        return (key or RSA).sign(message, how, hashed)
    key = key or EC[algorithm]
    width = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashed)))
    return r.to_bytes(width) + s.to_bytes(width)


def jwk(algorithm, *, key=None, **changes):
    """Return a public key as a provider publishes it; what is changed to ``None`` is left out."""
    if algorithm == "EdDSA":
        raw = (key or ED).public_key().public_bytes_raw()
        found = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    elif algorithm.startswith("ES"):
        numbers = (key or EC[algorithm]).public_key().public_numbers()
        width = (numbers.curve.key_size + 7) // 8
        found = {"kty": "EC", "crv": CURVE_NAMES[algorithm]}
        found |= {"x": b64(numbers.x.to_bytes(width)), "y": b64(numbers.y.to_bytes(width))}
    else:
        modulus = (key or RSA).public_key().public_numbers().n
        found = {"kty": "RSA", "n": b64(modulus.to_bytes(256)), "e": "AQAB"}
    found |= {"kid": "k", "use": "sig", "alg": algorithm} | changes
    return {name: value for name, value in found.items() if value is not None}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with HttpsService(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture
def jobs(store, service):
    """A store with one role, and no keys published yet."""
    service.pages[JWKS] = {"keys": [jwk("RS256")]}
    enable(store, "jwt")
    configure(store, service)
    write(store, "jwt/role/ci", role_type="jwt", user_claim="sub", bound_audiences="store")
    return store


def configure(store, service, path=JWKS, **more):
    where = {"jwks_url": service.url + path, "jwks_ca_pem": service.ca_pem, "default_role": "ci"}
    write(store, "jwt/config", **where | more)


def publish(store, service, *keys, **more):
    """Publish keys at an address of their own, so that none is remembered."""
    path = f"{JWKS}/{next(_numbers)}"
    service.pages[path] = {"keys": list(keys)}
    configure(store, service, path, **more)


def claims(store):
    now = store.clock.now()
    return {"sub": "job", "aud": "store", "iat": now, "exp": now + 600}


def token(store, algorithm, *, header=None, payload=None, key=None, signature=None):
    head = {"alg": algorithm, "typ": "JWT", "kid": "k"} | (header or {})
    body = payload if isinstance(payload, bytes) else json.dumps(payload or claims(store)).encode()
    signed = f"{b64(head if isinstance(head, bytes) else json.dumps(head).encode())}.{b64(body)}"
    made = sign(algorithm, signed.encode(), key) if signature is None else signature
    return f"{signed}.{b64(made)}"


def attempt(store, text):
    return login(store, "jwt/login", role="ci", jwt=text)


def refused(store, text, why):
    answer = attempt(store, text)
    assert answer.status == 400, answer.body
    assert why in answer.errors[0]


@pytest.mark.parametrize("algorithm", ALL)
def test_each_algorithm_of_a_published_key_is_believed(jobs, service, algorithm):
    publish(jobs, service, jwk(algorithm))
    assert attempt(jobs, token(jobs, algorithm)).status == 200


@pytest.mark.parametrize("algorithm", ALL)
def test_each_algorithm_of_a_key_in_the_configuration_is_believed(jobs, service, algorithm):
    public = ED if algorithm == "EdDSA" else EC.get(algorithm, RSA)
    pem = public.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write(jobs, "jwt/config", jwt_validation_pubkeys=pem.decode())
    assert attempt(jobs, token(jobs, algorithm)).status == 200


@pytest.mark.parametrize("algorithm", ALL)
def test_a_forged_signature_is_refused_whatever_its_algorithm(jobs, service, algorithm):
    publish(jobs, service, jwk(algorithm))
    good = token(jobs, algorithm)
    head, body, signature = good.split(".")
    for wrong in (
        f"{head}.{b64(json.dumps(claims(jobs) | {'sub': 'root'}).encode())}.{signature}",
        f"{head}.{body}.{b64(bytes(64))}",
        f"{head}.{body}.{b64(b'x')}",
    ):
        refused(jobs, wrong, "signature does not match")
    refused(jobs, f"{head}.{body}.", "in unpadded base64url")


def test_2_1_none_is_no_algorithm(jobs, service):
    for name in ("none", "None", "NONE", "nOnE", ""):
        refused(jobs, token(jobs, "RS256", header={"alg": name}, signature=b"x"), "expected it to be signed")
    head, body, _ = token(jobs, "RS256", header={"alg": "none"}).split(".")
    refused(jobs, f"{head}.{body}.", "expected it to be signed")
    refused(jobs, f"{head}.{body}", "three segments")


def test_2_1_a_public_key_is_no_shared_secret(jobs, service):
    public = RSA.public_key()
    forms = [
        public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER)
    ]
    forms += [forms[0].strip(), json.dumps(jwk("RS256")).encode(), b""]
    signed = token(jobs, "RS256", header={"alg": "HS256"}).rpartition(".")[0]
    for secret in forms:
        text = f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
        refused(jobs, text, "does not sign with this algorithm")


def test_3_1_a_key_is_used_for_the_algorithm_that_it_names(jobs, service):
    publish(jobs, service, jwk("RS256"))
    for other in ("RS384", "RS512", "PS256", "PS384", "PS512"):
        refused(jobs, token(jobs, other), "no such key")
    publish(jobs, service, jwk("PS256"))
    refused(jobs, token(jobs, "RS256"), "no such key")
    assert attempt(jobs, token(jobs, "PS256")).status == 200


def test_3_1_a_header_that_names_another_algorithm_than_was_used_is_refused(jobs, service):
    publish(jobs, service, jwk("RS256", alg=None))
    for named, used in (("RS256", "PS256"), ("PS256", "RS256"), ("RS512", "RS256")):
        signed = token(jobs, "RS256", header={"alg": named}).rpartition(".")[0]
        refused(jobs, f"{signed}.{b64(sign(used, signed.encode()))}", "signature does not match")


def test_3_1_an_algorithm_of_another_family_finds_no_key(jobs, service):
    publish(jobs, service, jwk("RS256", alg=None))
    for other in ("ES256", "ES384", "ES512", "EdDSA"):
        refused(jobs, token(jobs, other), "no such key")
    publish(jobs, service, jwk("ES256", alg=None))
    for other in ("ES384", "ES512"):
        refused(jobs, token(jobs, other), "no such key")


def test_3_1_the_mount_says_which_algorithms_count(jobs, service):
    publish(jobs, service, jwk("RS256", alg=None), jwt_supported_algs="PS256,RS512")
    assert attempt(jobs, token(jobs, "PS256")).status == 200
    assert attempt(jobs, token(jobs, "RS512")).status == 200
    for other in ("RS256", "PS384"):
        refused(jobs, token(jobs, other), "does not sign with this algorithm")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"use": "enc"}, id="for encryption"),
        pytest.param({"key_ops": ["encrypt"]}, id="for other operations"),
        pytest.param({"alg": "RSA-OAEP-256"}, id="for another algorithm"),
        pytest.param({"alg": "none"}, id="for none"),
        pytest.param({"kty": "oct", "k": b64(b"x" * 32)}, id="a secret that was published"),
    ],
)
def test_3_1_a_key_for_something_else_verifies_nothing(jobs, service, change):
    publish(jobs, service, jwk("RS256", **change), jwk("ES256", kid="unused"))
    refused(jobs, token(jobs, "RS256"), "no such key")


def test_3_10_a_key_inside_the_token_has_no_effect(jobs, service):
    """Neither does the address of one: nobody asks there, and the token counts as if it said nothing."""
    service.asked.clear()
    evil = {"jku": f"{service.url}/evil", "x5u": f"{service.url}/evil"}
    evil |= {"jwk": jwk("RS256", key=OTHER_RSA), "x5c": ["MIIB"]}
    for name, value in evil.items():
        forged = token(jobs, "RS256", header={name: value}, key=OTHER_RSA)
        refused(jobs, forged, "signature does not match")
        assert attempt(jobs, token(jobs, "RS256", header={name: value})).status == 200
    assert all(path == JWKS for _, path in service.asked)


def test_two_keys_of_one_id_are_both_tried_and_a_third_is_not(jobs, service):
    publish(jobs, service, jwk("RS256", key=OTHER_RSA), jwk("RS256"), jwk("ES256"))
    for key in (RSA, OTHER_RSA):
        assert attempt(jobs, token(jobs, "RS256", key=key)).status == 200
    assert attempt(jobs, token(jobs, "ES256")).status == 200
    stranger = rsa.generate_private_key(65_537, 2048)
    refused(jobs, token(jobs, "RS256", key=stranger), "signature does not match")


def test_a_key_id_decides_which_key_is_tried(jobs, service):
    publish(jobs, service, jwk("RS256", kid="one"), jwk("RS256", kid="two", key=OTHER_RSA))
    assert attempt(jobs, token(jobs, "RS256", header={"kid": "one"})).status == 200
    refused(jobs, token(jobs, "RS256", header={"kid": "two"}), "signature does not match")
    jobs.clock.advance(PAUSE_SECONDS)
    for kid in ("../../etc/passwd", "' OR 1=1 --", "three"):
        refused(jobs, token(jobs, "RS256", header={"kid": kid}), "no such key")
    refused(jobs, token(jobs, "RS256", header={"kid": 5}), "expected the key id to be text")


@pytest.mark.parametrize(
    ("header", "why"),
    [
        pytest.param({"crit": ["exp"]}, "not done here", id="critical"),
        pytest.param({"b64": False}, "not done here", id="another payload"),
        pytest.param({"zip": "DEF"}, "not done here", id="compressed"),
        pytest.param({"enc": "A256GCM"}, "not done here", id="encrypted"),
        pytest.param({"cty": "JWT"}, "not done here", id="nested"),
        pytest.param({"typ": "dpop+jwt"}, "expected the type JWT", id="a proof"),
        pytest.param({"typ": "logout+jwt"}, "expected the type JWT", id="a logout"),
        pytest.param({"typ": 5}, "expected the type JWT", id="no type"),
        pytest.param({"alg": ["RS256"]}, "expected it to be signed", id="a list of algorithms"),
        pytest.param({"alg": "RS256 "}, "expected it to be signed", id="a blank"),
        pytest.param({"alg": "rs256"}, "expected it to be signed", id="lower case"),
    ],
)
def test_3_11_a_header_that_changes_what_the_token_is_is_refused(jobs, service, header, why):
    refused(jobs, token(jobs, "RS256", header=header), why)


def test_access_tokens_of_rfc_9068_log_in(jobs, service):
    assert attempt(jobs, token(jobs, "RS256", header={"typ": "at+jwt"})).status == 200


def test_a_claim_that_is_there_twice_is_refused(jobs, service):
    said = json.dumps(claims(jobs))
    for twice in ('"sub":"root",', '"aud":"other",', '"exp":1,'):
        payload = ("{" + twice + said[1:]).encode()
        refused(jobs, token(jobs, "RS256", payload=payload), "one plain JSON object")


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"sub":', id="cut"),
        pytest.param(b'{"a":' * 50 + b"1" + b"}" * 50, id="deep"),
        pytest.param(b'{"sub":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"exp":NaN}', id="no number"),
    ],
)
def test_claims_that_are_no_object_are_refused(jobs, service, payload):
    refused(jobs, token(jobs, "RS256", payload=payload), "one plain JSON object")


def test_an_oversized_token_is_refused_unread(jobs, service):
    text = token(jobs, "RS256", payload=claims(jobs) | {"x": "y" * MAX_TOKEN_BYTES})
    refused(jobs, text, f"at most {MAX_TOKEN_BYTES} bytes")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text + "=", id="padding"),
        pytest.param(lambda text: text.replace(".", "..", 1), id="an empty segment"),
        pytest.param(lambda text: text + ".x", id="four segments"),
        pytest.param(lambda text: text.replace("-", "+").replace("_", "/") + "+", id="another alphabet"),
        pytest.param(lambda text: f" {text}", id="a blank"),
        pytest.param(lambda text: text + "\n", id="a line end"),
    ],
)
def test_only_one_spelling_of_a_token_is_read(jobs, service, change):
    refused(jobs, change(token(jobs, "RS256")), "error validating token")


def test_a_token_is_never_repeated_to_whoever_sent_it(jobs, service):
    text = token(jobs, "RS256", key=OTHER_RSA)
    answer = attempt(jobs, text)
    assert all(part.encode() not in answer.body for part in text.split("."))
