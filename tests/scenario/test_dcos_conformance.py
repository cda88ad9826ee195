"""The DC/OS secret store, row by row: what its clients were seen to rely on, against a real store.

One test a row of the checklist of such behaviours; the number of a test is that of its row.
"""

import base64
import hashlib
import json
import re
import time

import jwt
import pytest
from tests.support.dcos import BINARY, JSON, DcosClient
from tests.support.gpg import GpgHome
from tests.support.iam import (
    PASSWORD,
    SERVICE_KEY,
    grant,
    log_in,
    make_service,
    make_user,
    rid_in_path,
    token_of,
    user_with,
)
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask, eventually

from holdfast.iam.passwords import LEAST_ITERATIONS, LEAST_MEMORY_KIB
from holdfast.model import parse_path
from holdfast.policy.space import decide_space

MEBIBYTE = 1024 * 1024
LARGEST_UPLOAD_OF_THE_PAGE = 786 * 1024
EVERY_BYTE = bytes(range(256))
CHEAP_PASSWORDS = f"argon2_memory = {LEAST_MEMORY_KIB}\n  argon2_iterations = {LEAST_ITERATIONS}"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    settings = f"iam {{\n  {CHEAP_PASSWORDS}\n}}"
    with StoreProcess(tmp_path_factory.mktemp("dcos"), audit=True, settings=settings) as process:
        process.initialize(shares=1, threshold=1)
        yield process


@pytest.fixture
def dcos(store):
    return DcosClient(store)


def description(answer):
    assert set(answer.json) == {"title", "description"}, answer.body
    return answer.json["description"]


def test_row_01_a_create_answers_201_with_json_and_a_second_one_409(dcos):
    created = dcos.secret("PUT", "row1", {"value": "one"})
    assert (created.status, created.json, created.headers["Content-Type"]) == (201, {}, "application/json")
    again = dcos.secret("PUT", "row1", {"value": "two"})
    assert (again.status, "already exists" in description(again)) == (409, True)
    assert dcos.value("row1") == "one"


def test_row_02_an_update_of_nothing_says_that_it_does_not_exist(dcos):
    answer = dcos.secret("PATCH", "row2/none", {"value": "x"})
    assert (answer.status, "does not exist" in description(answer)) == (404, True)
    assert dcos.value("row2/none") == 404


def test_row_03_an_unknown_store_is_not_found_by_these_words(dcos):
    answer = dcos.api("GET", "secret/nostore/x")
    assert answer.status == 404
    assert "store not found" in description(answer)


def test_row_04_three_spellings_are_one_secret(dcos):
    assert dcos.put("row4%2Fb", "v") == 201
    assert dcos.secret("PUT", "/row4/b", {"value": "w"}).status == 409
    assert [dcos.value(spelling) for spelling in ("row4%2Fb", "/row4/b", "row4/b")] == ["v"] * 3
    assert "row4/b" in dcos.names()


def test_row_05_a_list_has_full_names_at_the_root_and_relative_ones_below(dcos):
    for name in ("row5/a", "row5/deep/er/b", "row5/deep"):
        assert dcos.put(name, "v") == 201
    assert {"row5/a", "row5/deep", "row5/deep/er/b"} <= set(dcos.names())
    assert dcos.names("row5") == ["a", "deep", "deep/er/b"]
    assert dcos.names("row5/deep") == ["er/b"]
    assert dcos.names("row5/a") == dcos.names("row5/nothing") == []
    assert b'"v"' not in dcos.secret("GET", "?list=true").body


def test_row_06_a_name_may_be_a_secret_and_a_folder(dcos):
    assert [dcos.put("row6", "1"), dcos.put("row6/b", "2")] == [201, 201]
    assert [dcos.value("row6"), dcos.value("row6/b")] == ["1", "2"]
    assert dcos.secret("DELETE", "row6").status == 204
    assert [dcos.value("row6"), dcos.value("row6/b")] == [404, "2"]


@pytest.mark.parametrize("accept", ["*/*", ""], ids=["any", "no-accept"])
def test_row_07_every_byte_comes_back_under_the_exact_media_type(dcos, accept):
    name = f"row7/{len(accept)}"
    assert dcos.secret("PUT", name, EVERY_BYTE, headers=BINARY).status == 201
    answer = dcos.secret("GET", name, headers={"Accept": accept} if accept else {})
    assert (answer.status, answer.body) == (200, EVERY_BYTE)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert dcos.secret("PUT", f"{name}-text", {"value": "t"}).status == 201
    assert dcos.secret("GET", f"{name}-text", headers={}).headers["Content-Type"] == "application/json"


def test_row_08_binary_is_not_to_be_had_as_json(dcos):
    assert dcos.secret("PUT", "row8", EVERY_BYTE, headers=BINARY).status == 201
    answer = dcos.secret("GET", "row8", headers={"Accept": "application/json"})
    assert (answer.status, "octet-stream" in description(answer)) == (400, True)


def test_row_09_a_binary_write_with_the_accept_header_of_the_page_is_taken(dcos):
    headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
    assert dcos.secret("PUT", "row9", EVERY_BYTE, headers=headers).status == 201
    assert dcos.secret("PATCH", "row9", EVERY_BYTE[::-1], headers=headers).status == 204
    assert dcos.secret("GET", "row9", headers={}).body == EVERY_BYTE[::-1]
    assert dcos.secret("PATCH", "row9", {"value": "text now"}).status == 204
    assert dcos.value("row9") == "text now"


def test_row_10_members_that_the_api_does_not_know_are_ignored(dcos):
    body = {
        "path": "row10",
        "store_id": "default",
        "author": "somebody",
        "description": "",
        "labels": ["a"],
        "value": "v",
    }
    assert dcos.secret("PUT", "row10", body).status == 201
    assert dcos.secret("GET", "row10").json == {"value": "v"}


def test_row_11_a_content_type_without_a_body_does_no_harm(dcos):
    assert dcos.put("row11", "v") == 201
    assert dcos.secret("GET", "row11", headers=JSON).json == {"value": "v"}
    assert dcos.secret("DELETE", "row11", headers=JSON).status == 204


def test_row_12_three_places_for_a_token_and_none(store, dcos):
    assert dcos.put("row12", "v") == 201
    path, token = "/secrets/v1/secret/default/row12", store.root_token
    sent = [
        {"Authorization": f"token={token}"},
        {"Authorization": f"Bearer {token}"},
        {"Cookie": f"dcos-acs-auth-cookie={token}"},
        {},
    ]
    answers = [ask(store, "GET", path, token="", headers=headers) for headers in sent]
    assert [answer.status for answer in answers] == [200, 200, 200, 401]
    assert answers[3].headers["WWW-Authenticate"] == "acsjwt"


def test_row_13_a_sealed_store_tells_its_state_and_nothing_else(store, dcos):
    assert dcos.put("row13/secret", "v") == 201
    assert dcos.api("PUT", "seal/default").status == 200
    try:
        calls = [
            ("GET", "", None),
            ("GET", "?list=true", None),
            ("PUT", "", {"value": "x"}),
            ("PATCH", "", {"value": "x"}),
            ("DELETE", "", None),
        ]
        answers = [dcos.secret(method, f"row13/secret{query}", body) for method, query, body in calls]
        assert [answer.status for answer in answers] == [503] * 5
        assert {description(answer) for answer in answers} == {description(answers[0])}
        for path in ("seal-status/default", "init/default", "store", "store/default", "ping"):
            answer = dcos.api("GET", path, headers={})
            assert answer.status == 200, path
            assert b"row13" not in answer.body
        assert dcos.api("GET", "seal-status/default").json["sealed"] is True
    finally:
        store.unseal()
    assert dcos.value("row13/secret") == "v"


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """Somebody with a pair of 4,096 bits that gpg made."""
    with GpgHome(tmp_path_factory.mktemp("gpg")) as home:
        home.generate("operator")
        yield home


@pytest.mark.timeout(300)
def test_row_14_initialised_for_a_key_of_gpg_and_unsealed_with_it(person, tmp_path):
    with StoreProcess(tmp_path) as store:
        dcos = DcosClient(store, "")
        body = {"shares": 1, "threshold": 1, "pgp_keys": [person.public_key("operator")]}
        made = dcos.api("PUT", "init/default", body)
        assert made.status == 200
        [message], [fingerprint] = made.json["keys"], made.json["pgp_fingerprints"]
        assert re.match("(c1c14[a-c]|85020[a-c])03", message)  # one byte shorter once in 256 times
        assert fingerprint == person.fingerprint("operator")
        assert made.json["recovery_keys"] == []
        assert dcos.is_sealed()
        key = person.decrypt(message)
        assert len(bytes.fromhex(key)) == 32
        opened = dcos.api("PUT", "unseal/default", {"key": key})
        assert opened.json == {"sealed": False, "threshold": 1, "shares": 1, "progress": 0}
        store.root_token = person.decrypt(made.json["encrypted_root_token"])
        assert DcosClient(store).put("a", "v") == 201
        again = DcosClient(store).api("GET", "init/default").json
        assert (again["initialized"], again["keys"]) == (True, [message])


@pytest.mark.timeout(300)
def test_row_15_auto_unseal_with_and_without_a_body(tmp_path):
    key_file = tmp_path / "seal.asc"
    seal = f'seal "gpg" {{\n  private_key = "file"\n  private_key_file = "{key_file}"\n}}'
    with GpgHome(tmp_path / "gpg") as home, StoreProcess(tmp_path, settings=seal) as store:
        home.import_secret_key(key_file.read_bytes())
        first = DcosClient(store, "").api("GET", "init/default").json
        store.root_token = home.decrypt(first["encrypted_root_token"])
        dcos = DcosClient(store)
        for body, headers in ((None, {}), ({"key": first["keys"][0]}, JSON)):
            assert dcos.api("PUT", "seal/default", headers={}).status == 200
            assert dcos.is_sealed()
            answer = dcos.api("PUT", "auto-unseal/default", body, headers=headers)
            assert answer.status == 200
            assert answer.json == {"sealed": False, "threshold": 1, "shares": 1, "progress": 0}


def test_row_16_a_permission_with_and_without_the_leading_slash_is_the_same(dcos):
    assert dcos.put("row16/a/b", "v") == 201
    with_slash = user_with(dcos, "row16-with", "dcos:secrets:default:/row16/*", action="read")
    without = user_with(dcos, "row16-without", "dcos:secrets:default:row16/*", action="read")
    for token in (with_slash, without):
        assert dcos.value("row16/a/b", token=token) == "v"
        assert dcos.value("row16", token=token) == dcos.value("row16x/a", token=token) == 403
    shown = dcos.acs("GET", "users/row16-without/permissions").json["direct"]
    assert [permission["rid"] for permission in shown] == ["dcos:secrets:default:/row16/*"]


def test_row_17_reading_is_not_listing(dcos):
    assert dcos.put("row17/a", "v") == 201
    reader = user_with(dcos, "row17-reader", "dcos:secrets:default:/row17/*", action="read")
    assert (dcos.value("row17/a", token=reader), dcos.names("row17", token=reader)) == ("v", 403)
    lister = user_with(dcos, "row17-lister", "dcos:secrets:list:default:/row17", action="read")
    assert (dcos.value("row17/a", token=lister), dcos.names("row17", token=lister)) == (403, ["a"])
    assert dcos.names("", token=lister) == 403


def test_row_18_a_rid_in_an_address_is_encoded_twice_and_granted_once(dcos):
    make_user(dcos, "row18")
    rid = "dcos:secrets:default:/row18/deep/*"
    assert "%252F" in rid_in_path(rid)
    path = f"acls/{rid_in_path(rid)}"
    assert dcos.acs("PUT", path, {"description": "of row 18"}).status == 201
    first, second = (dcos.acs("PUT", f"{path}/users/row18/read") for _ in range(2))
    assert (first.status, second.status, second.json["code"]) == (204, 409, "ERR_PERMISSION_EXISTS")
    once = rid.replace("/", "%2F")
    assert dcos.acs("GET", f"acls/{once}/users/row18/read").json == {"allowed": True}
    assert dcos.acs("GET", path).json["rid"] == rid


def test_row_19_logins_by_password_by_key_with_both_and_with_neither_right(dcos):
    make_user(dcos, "row19")
    make_service(dcos, "row19-service")

    def post(**body):
        return dcos.acs("POST", "auth/login", body, token="")

    login_token = jwt.encode(
        {"uid": "row19-service", "exp": int(time.time()) + 120}, SERVICE_KEY.pem().reveal(), algorithm="RS256"
    )
    by_password = post(uid="row19", password=PASSWORD)
    by_key = post(uid="row19-service", token=login_token)
    both = post(uid="row19-service", password=PASSWORD, token=login_token)
    wrong = [
        post(uid="row19", password="wrong"),
        post(uid="nobody", password="wrong"),
        post(uid="row19-service", password="wrong"),
        post(uid="row19-service", token=login_token[:-4] + "AAAA"),
    ]
    assert [by_password.status, by_key.status, both.status] == [200, 200, 400]
    for login in (by_password, by_key):
        assert set(login.json) == {"token"}
        assert dcos.secret("GET", "row19", token=login.json["token"]).status == 403  # known, and not granted
    for answer in wrong:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "acsjwt"
        assert (answer.json["description"], answer.json["code"]) == (
            "Invalid credentials.",
            "ERR_INVALID_CREDENTIALS",
        )
    assert len({answer.body for answer in wrong}) == 1


def test_row_20_a_token_is_verified_with_the_published_keys_and_says_two_things(dcos):
    make_user(dcos, "row20")
    token = token_of(dcos, "row20")
    published = dcos.acs("GET", "auth/jwks", token="").json["keys"]
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")
    key = next(key for key in published if key["kid"] == header["kid"])
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"])
    assert set(claims) == {"uid", "exp"}
    assert (claims["uid"], type(claims["exp"])) == ("row20", int)
    numbers = jwt.PyJWK(key).key.public_numbers()
    assert key["kid"] == hashlib.sha256(f"{numbers.e}{numbers.n}RSA".encode()).hexdigest()
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")


@pytest.mark.parametrize(
    ("secret", "service", "allowed"),
    [
        pytest.param("pw", "/anything/at/all", True, id="top-level"),
        pytest.param("group/pw", "/marathon-user/svc", False, id="other-group"),
        pytest.param("group/pw", "/group/hdfs/svc", True, id="group-above"),
        pytest.param("group/hdfs/pw", "/group/spark/svc", False, id="sibling"),
        pytest.param("hdfs/pw", "/hdfs", True, id="own-id"),
        pytest.param("secret-svc/P1", "/user", False, id="stranger"),
        pytest.param("secret-svc/P1", "/secret-svc", True, id="itself"),
        pytest.param("secret-svc/P1", "/secret-svc/dev1", True, id="one-below"),
        pytest.param("secret-svc/P1", "/secret-svc/a/b/c/dev3", True, id="far-below"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc", False, id="space-below-the-service"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc/dev1", False, id="beside"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc/instance1", True, id="instance"),
        pytest.param("secret-svc/instance1/P2", "/secret-svc/instance1/someDir/dev3", True, id="below"),
    ],
)
def test_row_21_which_service_may_use_which_secret(dcos, secret, service, allowed):
    """The rule that ``holdfast exec`` asks, and the same as a permission of a service on a real store."""
    assert bool(decide_space(parse_path(secret), parse_path(service))) is allowed
    dcos.put(secret, "v")
    uid = "space" + service.replace("/", ".")
    if dcos.acs("GET", f"users/{uid}").status == 400:
        make_user(dcos, uid)
        grant(dcos, f"dcos:secrets:space:default:{service}", f"users/{uid}", "read")
    assert dcos.value(secret, token=token_of(dcos, uid)) == ("v" if allowed else 403)


@pytest.mark.parametrize(
    ("name", "body", "headers", "status"),
    [
        pytest.param("page", b"\0" * LARGEST_UPLOAD_OF_THE_PAGE, BINARY, 201, id="786-kib-binary"),
        pytest.param("binary", b"\xff" * MEBIBYTE, BINARY, 201, id="1-mib-binary"),
        pytest.param("binary-1", b"\xff" * (MEBIBYTE + 1), BINARY, 413, id="1-mib-and-1-binary"),
        pytest.param("text", json.dumps({"value": "x" * MEBIBYTE}), JSON, 201, id="1-mib-text"),
        pytest.param("text-1", json.dumps({"value": "x" * (MEBIBYTE + 1)}), JSON, 413, id="1-mib-and-1-text"),
    ],
)
def test_row_22_a_mebibyte_counted_raw_and_not_a_byte_more(dcos, name, body, headers, status):
    answer = dcos.secret("PUT", f"row22/{name}", body, headers=headers)
    assert answer.status == status
    if status == 413:
        assert answer.json["title"] == "Payload Too Large"
        assert str(MEBIBYTE) in description(answer)
        assert dcos.secret("GET", f"row22/{name}", headers={}).status == 404
    else:
        expected = body if isinstance(body, bytes) else json.loads(body)["value"].encode()
        stored = dcos.secret("GET", f"row22/{name}", headers={"Accept": "application/octet-stream"})
        assert stored.body == expected


class VolumeProvider:
    """The flow of libopenstorage's ``dcos`` provider: create, or update; when unauthorized, log in once."""

    def __init__(self, store, uid, password):
        self._dcos = DcosClient(store, "")
        self._login = {"uid": uid, "password": password}
        self.logins = 0
        self.log_in()

    def log_in(self):
        self.token = self._dcos.acs("POST", "auth/login", self._login).json["token"]
        self.logins += 1

    def call(self, method, path, body=None):
        answer = self._dcos.secret(method, path, body, token=self.token)
        if answer.status == 401:
            self.log_in()
            answer = self._dcos.secret(method, path, body, token=self.token)
        return answer

    def put(self, path, data):
        body = {"value": json.dumps(data), "path": path, "store_id": "default", "author": "px"}
        answer = self.call("PUT", path, body)
        if answer.status >= 300 and "already exists" in answer.json["description"]:
            answer = self.call("PATCH", path, body)
        assert 200 <= answer.status < 300, answer.body

    def get(self, path):
        answer = self.call("GET", path)
        if answer.status != 200:
            return answer.status
        value = answer.json["value"]
        try:
            return json.loads(value)
        except ValueError:
            return {path: value}

    def delete(self, path):
        return self.call("DELETE", path).status


def test_row_23_a_volume_driver_whose_token_ends_half_way_logs_in_once_more(tmp_path):
    lifetime = 2
    settings = f'iam {{\n  {CHEAP_PASSWORDS}\n  token_lifetime = "{lifetime}s"\n}}'
    with StoreProcess(tmp_path, settings=settings) as store:
        store.initialize(shares=1, threshold=1)
        dcos = DcosClient(store)
        make_user(dcos, "portworx")
        grant(dcos, "dcos:secrets:default:/pwx/secrets/*", "users/portworx")
        driver = VolumeProvider(store, "portworx", PASSWORD)
        driver.put("pwx/secrets/cluster-key", {"key": "one"})
        driver.put("pwx/secrets/cluster-key", {"key": "two", "more": "2"})
        first = driver.token
        eventually(lambda: dcos.secret("GET", "pwx/secrets/cluster-key", token=first).status == 401)
        before = driver.logins
        assert driver.get("pwx/secrets/cluster-key") == {"key": "two", "more": "2"}
        assert driver.logins == before + 1
        dcos.put("pwx/secrets/plain", "no JSON")
        assert driver.get("pwx/secrets/plain") == {"pwx/secrets/plain": "no JSON"}
        assert driver.delete("pwx/secrets/cluster-key") == 204
        assert driver.get("pwx/secrets/cluster-key") == driver.delete("pwx/secrets/cluster-key") == 404
        assert driver.call("PUT", "elsewhere", {"value": "x"}).status == 403


@pytest.mark.parametrize("call", ["renew", "revoke"])
def test_row_24_leases_are_not_offered_and_say_so(dcos, call):
    assert dcos.put(f"row24/{call}", "v") == 201
    answer = dcos.api("PUT", f"{call}/default/row24/{call}", {"duration": "3600"})
    assert (answer.status, "no leases" in description(answer)) == (501, True)
    assert dcos.value(f"row24/{call}") == "v"
    documented = dcos.api("GET", "openapi.json", token="").json["paths"][f"/{call}/{{store}}/{{path}}"]
    assert set(documented["put"]["responses"]) >= {"501"}


def test_both_dialects_show_the_same_data(store, dcos):
    """Whatever is written, changed or deleted through one is so through the other."""
    data = "/v1/secret/data/dialects"
    assert dcos.put("dialects/text", "from DC/OS") == 201
    assert ask(store, "GET", f"{data}/text").json["data"]["data"] == {"value": "from DC/OS"}
    assert ask(store, "PUT", f"{data}/text", {"data": {"value": "from Vault"}}).json["data"]["version"] == 2
    assert dcos.value("dialects/text") == "from Vault"
    assert dcos.secret("PATCH", "dialects/text", {"value": "again"}).status == 204
    assert ask(store, "GET", f"{data}/text").json["data"]["metadata"]["version"] == 3
    assert ask(store, "GET", f"{data}/text?version=1").json["data"]["data"] == {"value": "from DC/OS"}
    assert dcos.secret("PUT", "dialects/binary", EVERY_BYTE, headers=BINARY).status == 201
    entry = ask(store, "GET", f"{data}/binary").json["data"]["data"]
    assert entry == {"value_base64": base64.b64encode(EVERY_BYTE).decode()}
    listed = ask(store, "LIST", "/v1/secret/metadata/dialects").json["data"]["keys"]
    assert sorted(listed) == dcos.names("dialects") == ["binary", "text"]
    assert ask(store, "DELETE", f"{data}/text").status == 204
    assert (dcos.value("dialects/text"), dcos.names("dialects")) == (404, ["binary"])
    assert dcos.secret("DELETE", "dialects/binary").status == 204
    assert ask(store, "GET", f"{data}/binary").status == 404
    assert dcos.put("dialects/text", "anew") == 201
    assert ask(store, "GET", f"{data}/text").json["data"]["metadata"]["version"] == 4


def test_one_permission_opens_a_secret_in_both_dialects(store, dcos):
    assert dcos.put("both/a", "v") == 201
    token = user_with(dcos, "both", "dcos:secrets:default:/both/*", action="read")
    assert dcos.value("both/a", token=token) == "v"
    assert ask(store, "GET", "/v1/secret/data/both/a", token=token).status == 200
    for path in ("/v1/secret/data/other", "/v1/secret/metadata/both?list=true"):
        assert ask(store, "GET", path, token=token).status == 403
    assert ask(store, "PUT", "/v1/secret/data/both/a", {"data": {"value": "w"}}, token=token).status == 403
    assert log_in(dcos, "both").status == 200
