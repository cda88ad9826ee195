"""RFC 8725, the best practices for JSON Web Tokens: each rule by its section, refused for the right reason.

    2.1, 3.1   algorithms: none, confusion, one for each key    3.8    issuer and subject
    2.2, 3.5   weak keys                                        3.9    audience
    2.3, 3.3   what is nested                                   3.10   what the token says of itself
    2.4, 3.2   sound algorithms, psychic signatures             3.11   explicit types
    2.6, 3.6   compression                                      3.12   tokens of each kind
    2.7, 3.7   encodings, duplicate names

Each token is signed as its issuer would, so that nothing but the rule under test can refuse it.
"""

import hmac
import json
import math
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.provider import as_jwk
from tests.unit.tokens.conftest import ISSUER, NOW, Forge, base64url

from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.tokens.compact import MAX_TOKEN_BYTES
from holdfast.tokens.ec_key import EcSigningKey, EcVerifyingKey
from holdfast.tokens.errors import Reason, TokenError
from holdfast.tokens.issuer import MAX_KEYS, Issuer, IssuerRegistry
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.published_keys import KeySet, PublishedKeys
from holdfast.tokens.rsa_key import RsaSigningKey, RsaVerifyingKey
from holdfast.tokens.shared_secret import SharedSecretKey
from holdfast.tokens.thumbprint import thumbprint
from holdfast.tokens.verify import Verifier

SECRET = SharedSecretKey(SecretBytes(b"a secret that is good for all three of them, of 64 bytes exactly"))
RSA = RsaSigningKey(rsa.generate_private_key(65_537, 2048))
EC = EcSigningKey.generate()
OTHER_EC = EcSigningKey.generate()
PRIVATE_EC = ec.generate_private_key(ec.SECP256R1())
PROVIDER = "https://provider.example"
KINDS = {"secret": SECRET, "rsa": RSA, "ec": EC}

LETTERS = st.text(alphabet="aZ05 *:/\u00e9\u202e\0", max_size=8)
HIDDEN = settings(
    suppress_health_check=list(HealthCheck),
    max_examples=100,
    deadline=None,
)


def issuer(*keys, name=ISSUER, **options) -> Issuer:
    return Issuer(name=name, keys=keys, key_ids_are_hints=True, **options)


def published(*keys, algorithms=frozenset(Algorithm)) -> Issuer:
    made = PublishedKeys(lambda: KeySet(keys, algorithms), clock=ManualClock(NOW), spawn=lambda work: work())
    return Issuer(name=PROVIDER, published=made, audience="us")


@pytest.fixture
def verifier(clock):
    """One issuer with a key of every family."""
    return Verifier(IssuerRegistry([issuer(SECRET, RSA.verifying_key(), EC.verifying_key())]), clock=clock)


@pytest.fixture
def only_rsa(clock):
    return Verifier(IssuerRegistry([issuer(RSA.verifying_key())]), clock=clock)


def reason(verifier, token) -> str:
    """Return why a token is refused, empty if it is not."""
    try:
        verifier.verify(token)
    except TokenError as error:
        return Reason(error.reason).value
    return ""


def header(**changes) -> dict:
    head = {"alg": "HS256", "typ": "JWT"} | changes
    return {name: value for name, value in head.items() if value is not ...}


class Hmac:
    """Signs with any bytes as a secret."""

    signing_algorithm = Algorithm.HS256
    key_id = ""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.secret, message, "sha256")


class Says:
    """Signs with a constant."""

    signing_algorithm = Algorithm.ES256
    key_id = ""

    def __init__(self, signature: bytes) -> None:
        self.signature = signature

    def sign(self, message: bytes) -> bytes:
        return self.signature


class Pss(Says):
    """Signs with RSA-PSS, as a storage API does not."""

    signing_algorithm = Algorithm.PS256

    def __init__(self) -> None:
        self.key = RSA._key

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


class TestAlgorithms:
    """Sections 2.1, 3.1 and 3.2."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_of_key_signs_as_it_should(self, kind, verifier, claims):
        assert reason(verifier, Forge(KINDS[kind]).token(claims)) == ""

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", "null", None, ...])
    def test_2_1_none_is_no_algorithm(self, name, verifier, claims):
        token = Forge(SECRET).token(claims, header(alg=name))
        assert reason(verifier, token) == "unsupported_algorithm"

    def test_2_1_a_token_without_signature_is_no_token(self, verifier, claims):
        signed, _, _ = Forge(SECRET).token(claims, header(alg="none")).rpartition(".")
        assert reason(verifier, f"{signed}.") == "unsupported_algorithm"
        assert reason(verifier, signed) == "malformed"
        good, _, _ = Forge(SECRET).token(claims).rpartition(".")
        assert reason(verifier, f"{good}.") == "malformed"

    @pytest.mark.parametrize("key", [RSA.verifying_key(), EC.verifying_key()], ids=["rsa", "ec"])
    def test_2_1_a_public_key_is_never_a_secret(self, key, clock, claims):
        for issuer_keys in ((key,), (key, SECRET)):
            verifier = Verifier(IssuerRegistry([issuer(*issuer_keys)]), clock=clock)
            for form in (key.pem(), key.pem().strip(), key.fingerprint, b""):
                assert reason(verifier, Forge(Hmac(form)).token(claims)) in {
                    "unsupported_algorithm",
                    "bad_signature",
                }

    @pytest.mark.parametrize("name", ["PS256", "PS384", "PS512", "EdDSA", "ES256K", "RSA-OAEP", "dir", "HS1"])
    def test_3_1_only_what_the_issuer_is_configured_for(self, name, verifier, only_rsa, claims):
        for each in (verifier, only_rsa):
            assert reason(each, Forge(SECRET).token(claims, header(alg=name))) == "unsupported_algorithm"

    def test_3_1_pss_is_not_for_keys_of_our_own_issuers(self, only_rsa, claims):
        assert reason(only_rsa, Forge(Pss()).token(claims)) == "unsupported_algorithm"

    @pytest.mark.parametrize(
        "name", ["hs256", "Hs256", "HS256 ", " HS256", "HS2\u00356\u0000", 256, ["HS256"]]
    )
    def test_3_1_names_are_exact(self, name, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(alg=name))) == "unsupported_algorithm"

    @pytest.mark.parametrize("signer", KINDS)
    @pytest.mark.parametrize("named", ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256"])
    def test_3_1_a_key_is_used_for_the_algorithm_of_its_kind(self, signer, named, verifier, claims):
        key = KINDS[signer]
        token = Forge(key).token(claims, header(alg=named))
        expected = "" if named == key.signing_algorithm else "bad_signature"
        assert reason(verifier, token) == expected

    @pytest.mark.parametrize("named", ["ES384", "ES512"])
    def test_3_1_a_curve_belongs_to_one_algorithm(self, named, verifier, claims):
        assert reason(verifier, Forge(EC).token(claims, header(alg=named))) == "unsupported_algorithm"

    def test_3_1_a_secret_verifies_only_what_it_is_long_enough_for(self, clock, claims):
        short = SharedSecretKey(SecretBytes(b"s" * 32))
        verifier = Verifier(IssuerRegistry([issuer(short)]), clock=clock)
        assert reason(verifier, Forge(short).token(claims)) == ""
        assert reason(verifier, Forge(short).token(claims, header(alg="HS512"))) == "unsupported_algorithm"

    @pytest.mark.parametrize(
        "signature",
        [
            pytest.param(bytes(64), id="r and s zero (CVE-2022-21449)"),
            pytest.param(bytes(32) + b"\x01" * 32, id="r zero"),
            pytest.param(b"\x01" * 32 + bytes(32), id="s zero"),
            pytest.param(
                bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") * 2,
                id="r and s the order of the curve",
            ),
            pytest.param(b"\xff" * 64, id="beyond the order"),
            pytest.param(b"\x01" * 63, id="too short"),
            pytest.param(b"\x01" * 65, id="too long"),
            pytest.param(b"\x30\x06\x02\x01\x01\x02\x01\x01", id="DER"),
            pytest.param(b"\x00", id="one byte"),
        ],
    )
    def test_3_2_a_psychic_signature_fits_nothing(self, signature, verifier, claims):
        assert reason(verifier, Forge(Says(signature)).token(claims)) == "bad_signature"

    def test_3_2_a_signature_in_the_form_of_a_library_is_not_one_of_a_token(self, verifier, claims):
        class Der(Says):
            def sign(self, message: bytes) -> bytes:
                return EC._key.sign(message, ec.ECDSA(hashes.SHA256()))

        assert reason(verifier, Forge(Der(b"")).token(claims)) == "bad_signature"


class TestKeysInTheToken:
    """Sections 2.9, 3.1 and 3.10: a token does not bring its key, nor say where one is."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            pytest.param("jwk", as_jwk(OTHER_EC), id="jwk"),
            pytest.param("jwk", None, id="jwk that is null"),
            pytest.param("jku", "https://evil.example/keys", id="jku"),
            pytest.param("jku", "file:///etc/passwd", id="jku of a file"),
            pytest.param("x5u", "https://evil.example/cert", id="x5u"),
            pytest.param("x5c", ["MIIB"], id="x5c"),
            pytest.param("x5c", [], id="x5c that is empty"),
        ],
    )
    def test_3_10_a_key_inside_the_token_is_refused(self, name, value, verifier, claims):
        own = Forge(SECRET).token(claims, header(**{name: value}))
        forged = Forge(OTHER_EC).token(claims, header(alg="ES256", **{name: value}))
        assert reason(verifier, own) == reason(verifier, forged) == "unsupported_header"

    @pytest.mark.parametrize("value", [["exp"], ["b64"], [], "exp", None])
    def test_crit_asks_for_what_is_not_done_here(self, value, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(crit=value))) == "unsupported_header"

    @pytest.mark.parametrize("value", [False, True])
    def test_an_unencoded_payload_is_refused(self, value, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(b64=value))) == "unsupported_header"


class TestKeyIds:
    """Section 3.10: a ``kid`` is a hint for finding a key among those that are trusted, and nothing more."""

    HOSTILE: ClassVar[list[str]] = [
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "key' OR '1'='1",
        "key'; DROP TABLE keys; --",
        "| /usr/bin/id",
        "$(id)",
        "http://127.0.0.1/key",
        "\u0000",
        "\u202e",
        "k" * 4000,
    ]

    @pytest.mark.parametrize("key_id", HOSTILE)
    def test_3_10_a_hostile_id_finds_no_key_but_those_that_are_trusted(self, key_id, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(kid=key_id))) == ""
        assert reason(verifier, Forge(Hmac(b"")).token(claims, header(kid=key_id))) == "bad_signature"
        assert reason(verifier, Forge(Hmac(key_id.encode())).token(claims, header(kid=key_id))) == (
            "bad_signature"
        )

    @pytest.mark.parametrize("key_id", [None, 1, ["k1"], {"k": "1"}, True])
    def test_an_id_that_is_no_text_is_malformed(self, key_id, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(kid=key_id))) == "malformed"

    def test_an_id_that_is_known_selects_exactly_its_key(self, clock, claims):
        first, second = (EcVerifyingKey(key._key.public_key(), key_id=name) for key, name in NAMED)
        verifier = Verifier(IssuerRegistry([issuer(first, second)]), clock=clock)
        assert reason(verifier, Forge(EC).token(claims, header(alg="ES256", kid="one"))) == ""
        assert reason(verifier, Forge(EC).token(claims, header(alg="ES256", kid="two"))) == "bad_signature"

    def test_an_id_of_a_key_of_another_kind_does_not_lend_it_to_an_algorithm(self, clock, claims):
        named = EcVerifyingKey(EC._key.public_key(), key_id="one")
        verifier = Verifier(IssuerRegistry([issuer(named, SECRET)]), clock=clock)
        assert reason(verifier, Forge(SECRET).token(claims, header(kid="one"))) == "unknown_key"
        assert reason(verifier, Forge(Hmac(named.pem())).token(claims, header(kid="one"))) == "unknown_key"

    def test_one_id_for_two_keys_of_an_issuer_is_refused_at_the_start(self):
        first, second = (EcVerifyingKey(key._key.public_key(), key_id="one") for key, _ in NAMED)
        with pytest.raises(InvalidInputError, match="each key id once"):
            issuer(first, second)

    def test_an_id_of_another_issuer_s_key_finds_nothing(self, clock, claims):
        mine = EcVerifyingKey(EC._key.public_key(), key_id="one")
        theirs = EcVerifyingKey(OTHER_EC._key.public_key(), key_id="two")
        verifier = Verifier(IssuerRegistry([issuer(mine), issuer(theirs, name="another")]), clock=clock)
        token = Forge(OTHER_EC).token(claims, header(alg="ES256", kid="two"))
        assert reason(verifier, token) == "bad_signature"

    def test_colliding_ids_of_a_provider_let_no_other_key_in(self, clock, claims):
        keys = [EcVerifyingKey(key._key.public_key(), key_id="same") for key, _ in NAMED]
        verifier = Verifier(IssuerRegistry([published(*keys)]), clock=clock)
        claims |= {"iss": PROVIDER, "aud": "us"}
        for signer, _ in NAMED:
            assert reason(verifier, Forge(signer).token(claims, header(alg="ES256", kid="same"))) == ""
        stranger = Forge(EcSigningKey.generate())
        assert reason(verifier, stranger.token(claims, header(alg="ES256", kid="same"))) == "bad_signature"

    def test_the_work_for_an_unknown_id_is_bounded(self, clock, claims):
        keys = [EcSigningKey.generate().verifying_key() for _ in range(MAX_KEYS)]
        tried: list[int] = []

        class Counting:
            def __init__(self, key) -> None:
                self.key_id, self.algorithms, self.fingerprint = "", key.algorithms, key.fingerprint
                self.key = key

            def verify(self, *arguments: Any) -> None:
                tried.append(1)
                self.key.verify(*arguments)

        verifier = Verifier(IssuerRegistry([issuer(*map(Counting, keys))]), clock=clock)
        assert reason(verifier, Forge(EC).token(claims, header(alg="ES256", kid="x"))) == "bad_signature"
        assert len(tried) == MAX_KEYS

    def test_an_unknown_id_and_a_wrong_signature_are_told_alike(self, verifier, claims):
        """So that nobody finds out by asking which ids there are."""
        answers = set()
        for key_id in ("invented", "another", ...):
            with pytest.raises(TokenError) as refusal:
                verifier.verify(Forge(Hmac(b"x" * 32)).token(claims, header(kid=key_id)))
            answers.add((refusal.value.reason, refusal.value.message))
        assert len(answers) == 1

    def test_a_thumbprint_is_that_of_the_standard(self):
        """RFC 7638 section 3.1."""
        modulus = (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV"
            "4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c"
            "7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF"
            "44-csFCur-kEgU8awapJzKnqDKgw"
        )
        from base64 import urlsafe_b64decode

        number = int.from_bytes(urlsafe_b64decode(modulus + "=="))
        key = rsa.RSAPublicNumbers(65_537, number).public_key()
        assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


NAMED = ((EC, "one"), (OTHER_EC, "two"))


class TestWeakKeys:
    """Sections 2.2 and 3.5."""

    @pytest.mark.parametrize("size", [0, 1, 16, 31])
    def test_3_5_a_secret_that_can_be_guessed_is_refused(self, size):
        with pytest.raises(InvalidInputError, match="shared secret"):
            SharedSecretKey(SecretBytes(b"s" * size))

    def test_3_5_a_published_default_is_refused(self):
        with pytest.raises(InvalidInputError, match="of your own"):
            SharedSecretKey(SecretBytes(b"non-secure-secret"), allow_short_shared_secret=True)

    def test_3_5_a_public_key_as_a_secret_is_refused(self):
        with pytest.raises(InvalidInputError, match="PEM"):
            SharedSecretKey(SecretBytes(RSA.verifying_key().pem()))

    @pytest.mark.parametrize("bits", [1024, 2040])
    def test_3_5_an_rsa_key_that_can_be_factored_is_refused(self, bits):
        with pytest.raises(InvalidInputError, match="modulus"):
            RsaVerifyingKey(rsa.generate_private_key(65_537, bits).public_key())

    @pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.SECP224R1(), ec.SECP192R1()], ids=lambda c: c.name)
    def test_3_5_a_curve_that_no_algorithm_has_is_refused(self, curve):
        with pytest.raises(InvalidInputError, match="P-256"):
            EcVerifyingKey(ec.generate_private_key(curve).public_key())

    @pytest.mark.parametrize("bits", [16_384])
    def test_a_key_that_costs_too_much_is_refused(self, bits):
        numbers = rsa.RSAPublicNumbers(65_537, (1 << (bits - 1)) + 1)
        with pytest.raises(InvalidInputError, match="modulus"):
            RsaVerifyingKey(numbers.public_key())


class TestNesting:
    """Sections 2.3, 3.3 and 3.6."""

    @pytest.mark.parametrize("value", ["JWT", "jwt", "application/json", None])
    def test_3_3_a_token_in_a_token_is_refused(self, value, verifier, claims):
        inner = Forge(SECRET).token(claims).encode()
        assert reason(verifier, Forge(SECRET).token(inner, header(cty=value))) == "unsupported_header"
        assert reason(verifier, Forge(SECRET).token(inner)) == "malformed"

    def test_3_3_an_encrypted_token_is_refused(self, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(enc="A128GCM"))) == "unsupported_header"
        assert reason(verifier, "e30.e30.e30.e30.e30") == "malformed"

    @pytest.mark.parametrize("value", ["DEF", "GZIP", "", None])
    def test_3_6_nothing_is_decompressed(self, value, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(zip=value))) == "unsupported_header"


class TestForm:
    """Sections 2.7 and 3.7, and RFC 7519 section 4: one reading of one text, of bounded size."""

    @pytest.mark.parametrize("name", ["iss", "sub", "exp", "iat", "roles", "groups", "unheard-of"])
    def test_a_claim_that_stands_twice_is_refused(self, name, verifier, claims):
        claims.setdefault(name, "x")
        text = json.dumps(claims)
        doubled = f'{text[:-1]}, "{name}": {json.dumps(claims[name])}}}'
        assert reason(verifier, Forge(SECRET).token(doubled.encode())) == "malformed"

    def test_a_claim_that_stands_twice_by_another_spelling_is_refused(self, verifier, claims):
        doubled = json.dumps(claims)[:-1] + ', "\\u0073ub": "root"}'
        assert reason(verifier, Forge(SECRET).token(doubled.encode())) == "malformed"

    @pytest.mark.parametrize("name", ["alg", "typ", "kid", "x"])
    def test_a_header_member_that_stands_twice_is_refused(self, name, verifier, claims):
        doubled = f'{{"alg": "HS256", "typ": "JWT", "kid": "k", "x": 1, "{name}": "HS256"}}'
        assert reason(verifier, Forge(SECRET).token(claims, doubled.encode())) == "malformed"

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"null", id="null"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b'"text"', id="text"),
            pytest.param(b"{} {}", id="two objects"),
            pytest.param(b"{}\x00", id="a zero behind"),
            pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
            pytest.param('{"sub": "\u00e9"}'.encode("latin-1"), id="another encoding"),
            pytest.param('{"sub": "x"}'.encode("utf-16"), id="UTF-16"),
            pytest.param(b'{"sub": "\\ud800"}', id="half a surrogate"),
            pytest.param(b'{"exp": NaN}', id="not a number"),
            pytest.param(b'{"exp": Infinity}', id="infinity"),
            pytest.param(b'{"exp": 1e999}', id="a number without end"),
            pytest.param(b'{"a":' * 9 + b"1" + b"}" * 9, id="too deep"),
            pytest.param(b"{'sub': 'x'}", id="single quotes"),
            pytest.param(b'{"sub": "x",}', id="a comma behind"),
        ],
    )
    def test_3_7_what_is_not_one_plain_object_is_malformed(self, payload, verifier):
        assert reason(verifier, Forge(SECRET).token(payload)) == "malformed"

    @pytest.mark.parametrize("size", [MAX_TOKEN_BYTES + 1, 1 << 20, 1 << 24])
    def test_an_oversized_token_is_not_even_looked_at(self, size, verifier):
        assert reason(verifier, "x" * size) == "malformed"
        assert reason(verifier, b"." * size) == "malformed"

    def test_a_token_of_exactly_the_limit_is_looked_at(self, verifier, claims):
        filler = ""
        for _ in range(MAX_TOKEN_BYTES):
            token = Forge(SECRET).token(claims | {"x": filler})
            if len(token) >= MAX_TOKEN_BYTES - 3:
                break
            filler += "x" * max(1, (MAX_TOKEN_BYTES - len(token)) * 3 // 4 - 2)
        assert MAX_TOKEN_BYTES - 3 <= len(token) <= MAX_TOKEN_BYTES
        assert reason(verifier, token) == ""

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda token: token + "=", id="padding"),
            pytest.param(lambda token: token + "\n", id="newline"),
            pytest.param(lambda token: " " + token, id="blank"),
            pytest.param(lambda token: token.replace(".", "..", 1), id="an empty segment"),
            pytest.param(lambda token: token + ".x", id="four segments"),
            pytest.param(
                lambda token: token.replace("_", "/").replace("-", "+") + "+", id="another alphabet"
            ),
            pytest.param(lambda token: "\uff45" + token[1:], id="a letter that looks alike"),
        ],
    )
    def test_there_is_one_spelling_of_a_token(self, spoil, verifier, claims):
        assert reason(verifier, spoil(Forge(SECRET).token(claims))) == "malformed"


class TestIssuerAndSubject:
    """Section 3.8."""

    @pytest.mark.parametrize("signer", KINDS)
    def test_3_8_a_key_counts_for_its_own_issuer(self, signer, clock, claims):
        others = [issuer(OTHER_EC.verifying_key(), name="another"), published(EC.verifying_key())]
        verifier = Verifier(IssuerRegistry([issuer(SECRET, RSA.verifying_key()), *others]), clock=clock)
        forge = Forge(KINDS[signer])
        expected = {"secret": "unsupported_algorithm", "rsa": "unsupported_algorithm", "ec": "bad_signature"}
        assert reason(verifier, forge.token(claims | {"iss": "another"})) == expected[signer]

    def test_3_8_a_token_of_a_provider_does_not_pass_as_one_of_ours(self, clock, claims):
        provider = published(EC.verifying_key())
        verifier = Verifier(IssuerRegistry([issuer(OTHER_EC.verifying_key()), provider]), clock=clock)
        assert reason(verifier, Forge(EC).token(claims | {"iss": PROVIDER, "aud": "us"})) == ""
        assert reason(verifier, Forge(EC).token(claims)) == "bad_signature"

    def test_3_8_a_provider_never_signs_with_a_secret(self, clock, claims):
        verifier = Verifier(IssuerRegistry([published(SECRET, EC.verifying_key())]), clock=clock)
        claims |= {"iss": PROVIDER, "aud": "us"}
        with_secret = Verifier(
            IssuerRegistry([published(EC.verifying_key(), algorithms=frozenset({Algorithm.ES256}))]),
            clock=clock,
        )
        assert reason(with_secret, Forge(SECRET).token(claims)) == "unsupported_algorithm"
        assert reason(verifier, Forge(EC).token(claims)) == ""

    @pytest.mark.parametrize("name", [ISSUER + "/", ISSUER.upper(), f" {ISSUER}", ISSUER + "\u0000", "*"])
    def test_3_8_the_issuer_is_exact(self, name, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims | {"iss": name})) == "unknown_issuer"

    @pytest.mark.parametrize("subject", ["", None])
    def test_3_8_somebody_must_be_meant(self, subject, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims | {"sub": subject})) == "missing_claim"


class TestAudience:
    """Section 3.9."""

    def test_3_9_a_token_for_somebody_else_is_refused_by_every_issuer(self, verifier, clock, claims):
        assert reason(verifier, Forge(SECRET).token(claims | {"aud": "another"})) == "wrong_audience"
        provider = Verifier(IssuerRegistry([published(EC.verifying_key())]), clock=clock)
        foreign = claims | {"iss": PROVIDER}
        for audience in ("another", ["another"], [], "", "us ", "US"):
            assert reason(provider, Forge(EC).token(foreign | {"aud": audience})) == "wrong_audience"
        assert reason(provider, Forge(EC).token(foreign)) == "wrong_audience"

    @pytest.mark.parametrize("audience", [7, {"us": True}, [7], [["us"]], None])
    def test_3_9_an_audience_that_is_none_is_invalid(self, audience, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims | {"aud": audience})) == "invalid_claim"


class TestTypes:
    """Sections 3.11 and 3.12."""

    @pytest.mark.parametrize(
        "kind",
        [
            "at+jwt",
            "logout+jwt",
            "secevent+jwt",
            "dpop+jwt",
            "JOSE",
            "JOSE+JSON",
            "application/jwt",
            "",
            1,
            None,
        ],
    )
    def test_3_11_a_token_of_another_type_does_not_log_in(self, kind, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(typ=kind))) == "unsupported_header"

    @pytest.mark.parametrize("kind", ["JWT", "jwt", "Jwt", ...])
    def test_3_11_ours_do(self, kind, verifier, claims):
        assert reason(verifier, Forge(SECRET).token(claims, header(typ=kind))) == ""

    def test_3_12_a_token_of_another_kind_lacks_what_ours_have(self, verifier, claims):
        logout = {"iss": ISSUER, "sub": "alice", "iat": NOW, "jti": "x", "events": {}}
        assert reason(verifier, Forge(SECRET).token(logout)) == "missing_claim"


class TestTimes:
    """RFC 7519 sections 4.1.4 to 4.1.6, at the edges."""

    EDGES = (
        pytest.param({"exp": NOW}, "expired", id="exp now"),
        pytest.param({"exp": NOW + 0.001}, "", id="exp in a moment"),
        pytest.param({"exp": NOW - 0.001}, "expired", id="exp a moment ago"),
        pytest.param({"exp": 0}, "expired", id="exp zero"),
        pytest.param({"exp": 0.0}, "expired", id="exp zero with a point"),
        pytest.param({"exp": -1}, "invalid_claim", id="exp before the epoch"),
        pytest.param({"exp": 2**53}, "invalid_claim", id="exp that no clock reaches"),
        pytest.param({"exp": 2**53 - 1}, "", id="exp that a clock could reach"),
        pytest.param({"exp": 10**400}, "invalid_claim", id="exp without end"),
        pytest.param({"exp": 1e308}, "invalid_claim", id="exp as a huge fraction"),
        pytest.param({"exp": str(NOW + 60)}, "invalid_claim", id="exp as text"),
        pytest.param({"exp": True}, "invalid_claim", id="exp as a truth"),
        pytest.param({"iat": NOW}, "", id="iat now"),
        pytest.param({"iat": NOW + 1}, "not_yet_valid", id="iat in a second"),
        pytest.param({"iat": NOW + 0.001}, "not_yet_valid", id="iat in a moment"),
        pytest.param({"iat": 0}, "", id="iat zero"),
        pytest.param({"iat": 2**53}, "invalid_claim", id="iat that no clock reaches"),
        pytest.param({"nbf": NOW}, "", id="nbf now"),
        pytest.param({"nbf": NOW + 1}, "not_yet_valid", id="nbf in a second"),
        pytest.param({"nbf": 2**53 - 1}, "not_yet_valid", id="nbf at the end of time"),
        pytest.param({"nbf": -1}, "invalid_claim", id="nbf before the epoch"),
        pytest.param({"iat": NOW + 10, "exp": NOW - 10}, "expired", id="ends before it begins"),
        pytest.param({"orig_iat": NOW + 10}, "", id="renewed from what is yet to be made"),
        pytest.param({"orig_iat": -1}, "invalid_claim", id="renewed before the epoch"),
    )

    @pytest.mark.parametrize(("changes", "expected"), EDGES)
    def test_a_token_holds_from_the_second_it_begins_to_before_the_second_it_ends(
        self, changes, expected, verifier, claims
    ):
        token = Forge(SECRET).token(claims | changes)
        assert [reason(verifier, token) for _ in range(2)] == [expected] * 2

    @given(
        offset=st.integers(-200, 200), leeway=st.integers(0, 60), name=st.sampled_from(["exp", "iat", "nbf"])
    )
    @HIDDEN
    def test_leeway_moves_every_edge_by_as_much(self, offset, leeway, name, claims):
        verifier = Verifier(
            IssuerRegistry([issuer(SECRET, clock_skew_seconds=leeway)]), clock=ManualClock(NOW)
        )
        found = reason(verifier, Forge(SECRET).token(claims | {name: NOW + offset}))
        if name == "exp":
            assert found == ("" if offset > -leeway else "expired")
        else:
            assert found == ("" if offset <= leeway else "not_yet_valid")


class TestAnything:
    """Whatever arrives is refused with a reason of the table, or is a token that the issuer signed."""

    @given(data=st.binary(max_size=300))
    @HIDDEN
    def test_bytes(self, data, verifier):
        assert reason(verifier, data) != ""

    @given(parts=st.lists(st.binary(max_size=60), max_size=5))
    @HIDDEN
    def test_segments(self, parts, verifier):
        assert reason(verifier, ".".join(map(base64url, parts))) != ""

    @given(
        head=st.dictionaries(
            st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "zip", "cty", "x"]),
            st.none() | st.booleans() | st.integers() | LETTERS | st.just("HS256") | st.just("JWT"),
        )
    )
    @HIDDEN
    def test_headers(self, head, verifier, claims):
        found = reason(verifier, Forge(SECRET).token(claims, head))
        is_good = (
            head.get("alg") == "HS256"
            and str(head.get("typ", "JWT")).lower() == "jwt"
            and isinstance(head.get("kid", ""), str)
            and not {"crit", "jwk", "zip", "cty"} & set(head)
        )
        assert (found == "") == is_good

    @given(
        changes=st.dictionaries(
            st.sampled_from(["iss", "sub", "exp", "iat", "nbf", "aud", "jti", "roles", "groups", "orig_iat"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | LETTERS
            | st.lists(LETTERS, max_size=3),
            min_size=1,
        )
    )
    @HIDDEN
    def test_claims(self, changes, verifier, claims):
        """Signed by the issuer, and yet of every shape: believed only with the shape that claims have."""
        token = Forge(SECRET).token(claims | changes)
        if reason(verifier, token) == "":
            principal = verifier.verify(token)
            assert principal.name
            assert all(isinstance(name, str) for name in (*principal.roles, *principal.groups))
            assert math.isfinite(principal.expires_at)
            assert principal.begun_at <= principal.issued_at

    @given(signature=st.binary(min_size=1, max_size=80), name=st.sampled_from(["HS256", "RS256", "ES256"]))
    @HIDDEN
    def test_signatures(self, signature, name, verifier, claims):
        assert reason(verifier, Forge(Says(signature)).token(claims, header(alg=name))) == "bad_signature"
