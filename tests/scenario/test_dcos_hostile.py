"""What somebody would try against the DC/OS APIs: names in every encoding, bodies that are none, races.

Each row is refused with the words of its API and without an error of ours, and has changed nothing.
"""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.dcos import JSON, DcosClient
from tests.support.http_wire import answers_in
from tests.support.iam import user_with
from tests.support.store_process import StoreProcess
from tests.support.store_talk import ask

from holdfast.iam.passwords import LEAST_ITERATIONS, LEAST_MEMORY_KIB

KEPT = "kept"
CLIENTS = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    cost = f"argon2_memory = {LEAST_MEMORY_KIB}\n  argon2_iterations = {LEAST_ITERATIONS}"
    with StoreProcess(tmp_path_factory.mktemp("hostile"), settings=f"iam {{\n  {cost}\n}}") as process:
        process.initialize(shares=1, threshold=1)
        yield process


@pytest.fixture
def dcos(store):
    client = DcosClient(store)
    client.put("team/db", KEPT)
    yield client
    assert client.value("team/db") == KEPT
    assert b"Traceback" not in store.log_path.read_bytes()
    assert "defect" not in store.log()
    assert client.names("") == ["team/db"]  # nothing else was made


def refusal(answer, *statuses):
    assert answer.status in statuses, (answer.status, answer.body[:300])
    assert {"title", "description"} <= set(answer.json) <= {"title", "description", "code"}
    assert answer.json["description"]
    return answer


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a/../b", id="dots"),
        pytest.param("a/./b", id="dot"),
        pytest.param("%2e%2e/b", id="escaped-dots"),
        pytest.param("%2E%2E%2Fb", id="escaped-dots-and-slash"),
        pytest.param("a/%2e", id="escaped-dot"),
        pytest.param("a%00b", id="nul"),
        pytest.param("a%0d%0aX-Injected:%201", id="line-break"),
        pytest.param("a%7f", id="delete"),
        pytest.param("%c0%af", id="overlong-slash"),
        pytest.param("%c0%ae%c0%ae/b", id="overlong-dots"),
        pytest.param("%ed%a0%80", id="surrogate"),
        pytest.param("%ff", id="not-utf-8"),
        pytest.param("a%5cb", id="backslash"),
        pytest.param("%e2%80%aeb", id="right-to-left-override"),
        pytest.param("%ef%bb%bfb", id="byte-order-mark"),
        pytest.param("e%cc%81", id="not-normalised"),
        pytest.param("%", id="lone-percent"),
        pytest.param("%zz", id="no-hex"),
        pytest.param("%20b", id="blank-at-the-start"),
        pytest.param("b/", id="slash-at-the-end"),
        pytest.param("b%2F", id="escaped-slash-at-the-end"),
        pytest.param("", id="empty"),
        pytest.param("n" * 256, id="long-segment"),
        pytest.param("n/" * 64 + "n", id="deep"),
        pytest.param("/".join(["n" * 200] * 6), id="long-path"),
    ],
)
def test_a_name_that_could_mean_something_else_is_refused(dcos, name):
    for method, body in (("PUT", {"value": "x"}), ("GET", None), ("PATCH", {"value": "x"}), ("DELETE", None)):
        refusal(dcos.secret(method, name, body), 400, 413)


def test_a_name_is_decoded_once(dcos):
    """``%252F`` is a name with a percent sign, and no way into the folder that it spells."""
    reader = user_with(dcos, "once", "dcos:secrets:default:/team/*")
    for name in ("team%252Fnew", "team%25252Fnew", "team%252e%252e%252Fnew"):
        assert dcos.secret("GET", name, token=reader).status == 403
        refusal(dcos.secret("PUT", name, {"value": "x"}, token=reader), 403)
        assert dcos.put(name, "x") == 201
        assert [one for one in dcos.names("") if one != "team/db"] == [name.replace("%25", "%")]
        assert dcos.value("team/new") == 404
        assert dcos.secret("DELETE", name).status == 204


@pytest.mark.parametrize(
    "path",
    [
        "secret/sys/mounts",
        "secret/auth/token",
        "secret/cubbyhole/a",
        "secret/secret/team/db",
        "secret/default/../../sys/mounts",
        "secret//sys",
        "secret/%2e%2e/a",
        "secret/defaul%74x/a",
        "../../v1/sys/mounts",
        "secret/default/%2e%2e/metadata/team/db",
    ],
)
def test_no_path_leads_out_of_the_stores(dcos, path):
    for method in ("GET", "DELETE"):
        refusal(dcos.api(method, path), 400, 404)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="array"),
        pytest.param('"value"', id="text"),
        pytest.param("{}", id="no-value"),
        pytest.param('{"value": "a"', id="cut-off"),
        pytest.param('{"value": "a"} {}', id="two-documents"),
        pytest.param('{"value": "a", "value": "b"}', id="twice"),
        pytest.param('{"value": "a", "x": 1, "x": 2}', id="another-member-twice"),
        pytest.param('{"value": "\\ud800"}', id="lone-surrogate"),
        pytest.param(b'{"value": "\xff"}', id="not-utf-8"),
        pytest.param(b'\xef\xbb\xbf{"value": "a"}', id="byte-order-mark"),
        pytest.param('{"value": "a"}'.encode("utf-16"), id="utf-16"),
        pytest.param("[" * 100_000, id="deep-arrays"),
        pytest.param('{"value": "a", "x": ' + "[" * 5000 + "]" * 5000 + "}", id="deep-inside"),
        pytest.param('{"value": "a", "x": 1e999}', id="infinite"),
        pytest.param('{"value": "a", "x": NaN}', id="not-a-number"),
    ],
)
def test_a_body_that_is_no_secret_makes_none(dcos, body):
    refusal(dcos.secret("PUT", "bad", body), 400)
    refusal(dcos.secret("PATCH", "team/db", body), 400)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        ",",
        "*/*",
    ],
)
def test_a_body_of_another_media_type_is_refused_by_both_apis(dcos, content_type):
    headers = {"Content-Type": content_type}
    refusal(dcos.secret("PUT", "bad", '{"value": "a"}', headers=headers), 400)
    refusal(dcos.api("PUT", "unseal/default", '{"key": "a"}', headers=headers), 400)
    refusal(dcos.acs("PUT", "users/bad", '{"password": "long enough"}', headers=headers), 415)
    refusal(dcos.acs("POST", "auth/login", '{"uid": "a", "password": "b"}', headers=headers), 415)
    assert dcos.acs("GET", "users/bad").status == 400


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"uid": "a"}',
        '{"password": "b"}',
        '{"token": "a.b.c"}',
        '{"uid": "a", "password": ""}',
        '{"uid": "a", "password": null}',
        '{"uid": ["a"], "password": "b"}',
        '{"uid": "a", "token": {}}',
        '{"uid": "a", "uid": "b", "password": "c"}',
        '{"uid": "a", "password": "b", "exp": 0}',
    ],
)
def test_a_login_that_is_none_is_a_bad_request(dcos, body):
    answer = refusal(dcos.acs("POST", "auth/login", body, token=""), 400)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "uid",
    [
        pytest.param(uid, id=uid[:12])
        for uid in (
            *("a%2Fb", "a%252Fb", "%2e%2e", "..", "%2e", "a%00b", "a%0ab", "a%20b", "%c3%a9"),
            *("a:b", "%25", "anonymous", "a" * 97),
        )
    ],
)
def test_a_user_name_that_could_mean_something_else_is_refused(dcos, uid):
    for method, body in (("PUT", {"password": "long enough"}), ("GET", None), ("DELETE", None)):
        refusal(dcos.acs(method, f"users/{uid}", body), 400, 404, 405)


@pytest.mark.parametrize(
    "rid",
    [
        "dcos:secrets:default:%252F..%252Fteam",
        "dcos:secrets:default:%252F%252Fteam",
        "dcos:secrets:default:%252Fteam%252F",
        "dcos:secrets:default:%252Fteam%00",
        "dcos:secrets:default:",
        "dcos:secrets::%252Fteam",
        "dcos:secrets:list",
        "a%20b",
        "%ff",
    ],
)
def test_a_rid_that_could_mean_something_else_is_refused(dcos, rid):
    before = dcos.acs("GET", "acls").json
    refusal(dcos.acs("PUT", f"acls/{rid}", {"description": ""}), 400)
    refusal(dcos.acs("PUT", f"acls/{rid}/users/a/read"), 400)
    assert dcos.acs("GET", "acls").json == before


@pytest.mark.parametrize(
    "members",
    [
        {"shares": 0, "threshold": 0},
        {"shares": -1, "threshold": 1},
        {"shares": 1, "threshold": 2},
        {"shares": 256, "threshold": 1},
        {"shares": 10**400, "threshold": 1},
        {"shares": 1.5, "threshold": 1},
        {"shares": "many", "threshold": 1},
        {"shares": True, "threshold": 1},
        {"shares": [1], "threshold": 1},
        {"pgp_keys": "none"},
        {"pgp_keys": [1]},
        {"pgp_keys": [""]},
        {"pgp_keys": ["AAAA"] * 300},
        {"shares": 2, "threshold": 1},
    ],
    ids=lambda members: json.dumps(members)[:40],
)
def test_new_shares_that_cannot_be_leave_the_old_ones(store, dcos, members):
    refusal(dcos.api("PUT", "init/default", members), 400)
    assert dcos.api("PUT", "seal/default").status == 200
    store.unseal()


@pytest.mark.parametrize("query", ["list=true&list=false", "list=%ff", "list=true&%zz=1"])
def test_a_query_that_could_be_read_in_two_ways_is_refused(dcos, query):
    refusal(dcos.secret("GET", f"team?{query}"), 400)


def test_two_tokens_are_no_token(store, dcos):
    both = {"Authorization": f"token={store.root_token}", "X-Vault-Token": "hvs.another"}
    assert ask(store, "GET", "/secrets/v1/secret/default/team/db", token="", headers=both).status == 400
    cookies = {"Cookie": f"dcos-acs-auth-cookie={store.root_token}; dcos-acs-auth-cookie=x"}
    assert ask(store, "GET", "/secrets/v1/secret/default/team/db", token="", headers=cookies).status == 401


def test_a_body_without_an_end_is_cut_off(store, dcos):
    """Chunked, so that no length gives it away before."""
    lines = [
        "PUT /secrets/v1/secret/default/endless HTTP/1.1",
        "Host: store",
        f"Authorization: token={store.root_token}",
        "Transfer-Encoding: chunked",
    ]
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    received = b""
    with socket.create_connection(("127.0.0.1", store.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        try:
            for _ in range(200):
                connection.sendall(chunk)
        except ConnectionError:
            pass
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionError:
            pass
    if received:  # the connection may be gone before its answer was read
        [answer] = answers_in(received)
        assert (answer.status, json.loads(answer.body)["title"]) == (413, "Payload Too Large")
    assert dcos.secret("GET", "endless").status == 404


def test_of_several_that_initialise_exactly_one_does(tmp_path):
    with StoreProcess(tmp_path) as store:
        everybody = threading.Barrier(CLIENTS)

        def initialise(_):
            everybody.wait(timeout=60)
            return DcosClient(store, "").api("PUT", "init/default", {"shares": 1, "threshold": 1})

        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(initialise, range(CLIENTS), timeout=60))
        [made] = [answer for answer in answers if answer.status == 200]
        for answer in answers:
            if answer is not made:
                refusal(answer, 400, 409)
        key = made.json["keys"][0]
        assert DcosClient(store, "").api("PUT", "unseal/default", {"key": key}).json["sealed"] is False


def test_of_several_that_grant_or_make_the_same_exactly_one_does(dcos):
    def at_once(method, path, body):
        everybody = threading.Barrier(CLIENTS)

        def call(_):
            everybody.wait(timeout=60)
            return dcos.acs(method, path, body, headers=JSON).status

        with ThreadPoolExecutor(CLIENTS) as clients:
            return sorted(clients.map(call, range(CLIENTS), timeout=60))

    assert at_once("PUT", "users/twin", {"password": "long enough"}) == [201] + [409] * (CLIENTS - 1)
    assert at_once("PUT", "groups/twins", {"description": ""}) == [201] + [409] * (CLIENTS - 1)
    assert at_once("PUT", "acls/some:thing", {"description": ""}) == [201] + [409] * (CLIENTS - 1)
    assert at_once("PUT", "groups/twins/users/twin", None) == [204] + [409] * (CLIENTS - 1)
    assert at_once("PUT", "acls/some:thing/users/twin/read", None) == [204] + [409] * (CLIENTS - 1)
    assert at_once("DELETE", "users/twin", None) == [204] + [400] * (CLIENTS - 1)
