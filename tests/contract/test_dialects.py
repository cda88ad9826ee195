"""Bad input, row by row, against both dialects on the wire: the right status, the dialect's own words,
nothing of what was sent in the answer, no trace of our insides, and nothing lost.
"""

import json

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest, request

from holdfast.http.limits import Limits
from holdfast.storage.errors import StorageBrokenError, StorageFullError
from holdfast.storage.memory import MemoryStorage

CANARY = "canary-7f3a"
KEPT = "kept-91bc"
ANOTHER_SHARE = "0c" * 33


class RefusingStorage(MemoryStorage):
    """Storage that a test can make refuse changes, as a full or a dying disk does."""

    refusal = None

    def write_all(self, changes):
        if self.refusal is not None:
            raise self.refusal
        return super().write_all(changes)


class Dialect:
    """One dialect as a client of it sees the store: how to ask, and how refusals look."""

    def __init__(self, store):
        self.store = store

    def ask(self, method, path, *, body=None, raw=None, token=None, headers=()):
        token = self.store.root if token is None else token
        credentials = (self.credential(token),) if token else ()
        return self.store.send(
            request(method, self.secret(path), body, raw=raw, headers=(*credentials, *headers))
        )

    def put(self, path, value, **options):
        return self.ask(self.update, path, body=self.entry(value), **options)


class Vault(Dialect):
    name, update, unknown, conflict, too_many = "vault", "PUT", 403, 400, 400

    def secret(self, path):
        return f"/v1/secret/data/{path}"

    def credential(self, token):
        return f"X-Vault-Token: {token}"

    def entry(self, value):
        return {"data": {"value": value}}

    def value_in(self, answer):
        return answer.data["data"]["value"]

    def text_of_refusal(self, answer):
        assert set(answer.json) == {"errors"}
        (text,) = answer.errors
        return text

    def submit(self, share):
        return self.store.vault("PUT", "sys/unseal", {"key": share})


class Dcos(Dialect):
    name, update, unknown, conflict, too_many = "dcos", "PATCH", 401, 409, 413

    def secret(self, path):
        return f"/secrets/v1/secret/default/{path}"

    def credential(self, token):
        return f"Authorization: token={token}"

    def entry(self, value):
        return {"value": value}

    def value_in(self, answer):
        return answer.json["value"]

    def text_of_refusal(self, answer):
        assert set(answer.json) == {"title", "description"}
        return answer.json["description"]

    def submit(self, share):
        return self.store.dcos("PUT", "unseal/default", {"key": share})


@pytest.fixture(params=[Vault, Dcos], ids=lambda dialect: dialect.name)
def dialect(request):
    """A dialect in front of a store that holds one secret at ``kept``."""
    store = StoreUnderTest(storage=RefusingStorage(), max_secret_bytes=64 * 1024).initialize()
    assert store.dcos("PUT", "secret/default/kept", {"value": KEPT}, token=store.root).status == 201
    return request.param(store)


def assert_refused(dialect, answer, *statuses):
    assert answer.status in statuses, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    text = dialect.text_of_refusal(answer)
    assert text
    for leak in (CANARY, KEPT, "Traceback", "File ", ".py", "msgspec", "Exception", dialect.store.root):
        assert leak not in text


def assert_nothing_lost(dialect):
    """The secret is as it was, in this process and in the next."""
    for _ in ("now", "after a restart"):
        assert dialect.value_in(dialect.ask("GET", "kept")) == KEPT
        dialect.store.restart(storage=dialect.store.storage.survivor())


BODIES = [
    pytest.param(b"", 400, id="no body"),
    pytest.param(b"{", 400, id="cut off"),
    pytest.param(b'{"data":"canary-7f3a"', 400, id="cut off behind a value"),
    pytest.param(b"canary-7f3a", 400, id="no JSON"),
    pytest.param(b"[]", 400, id="an array"),
    pytest.param(b'"canary-7f3a"', 400, id="a string"),
    pytest.param(b"null", 400, id="null"),
    pytest.param(b"{}", 400, id="an empty object"),
    pytest.param(b'{"data":null,"value":null}', 400, id="null as value"),
    pytest.param(b'{"data":"canary-7f3a","value":["canary-7f3a"]}', 400, id="a value of another shape"),
    pytest.param(b'{"data":{"value":NaN},"value":NaN}', 400, id="NaN"),
    pytest.param(b'{"data":{"value":Infinity},"value":Infinity}', 400, id="Infinity"),
    pytest.param(b'{"data":{"value":-Infinity},"value":-Infinity}', 400, id="minus Infinity"),
    pytest.param(b'{"data":{"value":1e999},"value":1e999}', 400, id="a number beyond all"),
    pytest.param(b'{"data":{"value":' + b"9" * 5000 + b"}}", 400, id="a number of 5,000 digits"),
    pytest.param(
        b'{"data":{},"data":{"value":"canary-7f3a"},"value":"","value":"x"}', 400, id="duplicate keys"
    ),
    pytest.param(
        b'{"data":{"value":"x","\\u0076alue":"y"},"value":"x","val\\u0075e":"y"}', 400, id="escaped twin"
    ),
    pytest.param(b'{"data":' + b'{"a":' * 70 + b"1" + b"}" * 71, 400, id="depth bomb"),
    pytest.param(b'{"data":' + b"[" * 500_000, 400, id="large depth bomb"),
    pytest.param(b'{"data":[' + b'"",' * 2000 + b'""]}', "too_many", id="many strings"),
    pytest.param(b'{"data":[' + b"0," * 50_000 + b"0]}", "too_many", id="many numbers"),
    pytest.param(b'{"data":{"value":"canary-7f3a\xff"},"value":"\xff"}', 400, id="bad UTF-8"),
    pytest.param(b'{"data":{"value":"\xed\xa0\x80"},"value":"\xed\xa0\x80"}', 400, id="encoded surrogate"),
    pytest.param(b'{"data":{"value":"\\ud800"},"value":"\\ud800"}', 400, id="lone surrogate"),
    pytest.param(b'\xef\xbb\xbf{"data":{"value":"x"},"value":"x"}', 400, id="byte order mark"),
    pytest.param('{"data":{"value":"x"},"value":"x"}'.encode("utf-16"), 400, id="UTF-16"),
    pytest.param(b'{"data":{"value":"x"},"value":"x"}x', 400, id="trailing bytes"),
    pytest.param(b'{"data":{"value":"x"},"value":"x"}\0', 400, id="trailing NUL"),
    pytest.param(b'{"data":{"value":"\n"},"value":"\n"}', 400, id="raw control character"),
    pytest.param(b"value=canary-7f3a", 400, id="a form"),
]


@pytest.mark.parametrize(("raw", "status"), BODIES)
def test_a_bad_body_is_refused(dialect, raw, status):
    status = getattr(dialect, status) if isinstance(status, str) else status
    assert_refused(dialect, dialect.ask(dialect.update, "kept", raw=raw), status)
    assert_refused(dialect, dialect.ask("PUT", "new", raw=raw), status)
    assert dialect.ask("GET", "new").status == 404
    assert_nothing_lost(dialect)


def test_a_secret_over_the_limit_is_refused(dialect):
    assert_refused(dialect, dialect.put("kept", CANARY * 8000), 413)
    assert_nothing_lost(dialect)
    assert dialect.put("kept", "x" * 60_000).status in {200, 204}


@pytest.mark.parametrize(
    "announced",
    [
        pytest.param(True, id="announced"),
        pytest.param(False, id="in chunks"),
    ],
)
def test_a_body_of_five_megabytes_is_refused_before_it_is_read(dialect, announced):
    body = json.dumps(dialect.entry(CANARY * 500_000)).encode()
    head = request(dialect.update, dialect.secret("kept"), headers=[dialect.credential(dialect.store.root)])
    if announced:
        data = head.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(body)) + body[:1000]
    else:
        data = head.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        data += b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert_refused(dialect, dialect.store.send(data), 413)
    assert_nothing_lost(dialect)


def test_a_body_just_within_the_limit_of_the_listener_reaches_the_dialect(dialect):
    dialect.store.limits = Limits(body_bytes=200)
    assert dialect.put("kept", "x" * 100).status in {200, 204}
    assert_refused(dialect, dialect.put("kept", "x" * 200), 413)


PATHS = [
    pytest.param("..", id="dots"),
    pytest.param("../kept", id="dots at the front"),
    pytest.param("a/../kept", id="dots in the middle"),
    pytest.param("kept/.", id="dot"),
    pytest.param("./kept", id="dot at the front"),
    pytest.param("%2e%2e/kept", id="encoded dots"),
    pytest.param("%2E%2E/kept", id="encoded dots in capitals"),
    pytest.param(".%2e/kept", id="half encoded dots"),
    pytest.param("%2e./kept", id="the other half"),
    pytest.param("%2e/kept", id="encoded dot"),
    pytest.param("a%2f..%2fkept", id="dots between encoded slashes"),
    pytest.param("a%2F%2e%2e%2Fkept", id="all of it encoded"),
    pytest.param("..%2f..%2f..%2fsys%2fseal", id="up to another path"),
    pytest.param("a\\..\\kept", id="backslashes"),
    pytest.param("a%5c..%5ckept", id="encoded backslashes"),
    pytest.param("ke%00pt", id="NUL"),
    pytest.param("ke%0apt", id="line feed"),
    pytest.param("ke%0d%0aX-Injected:%20canary-7f3apt", id="header injection"),
    pytest.param("ke%7fpt", id="delete"),
    pytest.param("ke%ffpt", id="bad UTF-8"),
    pytest.param("ke%fept", id="other bad UTF-8"),
    pytest.param("ke%c0%afpt", id="overlong UTF-8"),
    pytest.param("ke%ed%a0%80pt", id="surrogate"),
    pytest.param("ke%ef%bf%bdpt", id="replacement character"),
    pytest.param("ke%e2%80%aept", id="bidirectional override"),
    pytest.param("ke%e2%80%8bpt", id="zero width space"),
    pytest.param("e%cc%81", id="not normalised"),
    pytest.param("%20kept", id="leading blank"),
    pytest.param("kept%20", id="trailing blank"),
    pytest.param("kept%2", id="half an escape"),
    pytest.param("kept%zz", id="no escape"),
    pytest.param("kept?a=%ff", id="bad UTF-8 in the query"),
    pytest.param("kept?version=1&version=2", id="a parameter twice"),
]


@pytest.mark.parametrize("path", PATHS)
def test_a_bad_path_is_refused(dialect, path):
    assert_refused(dialect, dialect.ask("GET", path), 400)
    assert_refused(dialect, dialect.put(path, CANARY), 400)
    assert_refused(dialect, dialect.ask("DELETE", path), 400)
    assert_nothing_lost(dialect)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("x" * 256, id="segment"),
        pytest.param("%C3%A9" * 128, id="segment by its bytes"),
        pytest.param("/".join(["x" * 200] * 6), id="path"),
        pytest.param("/".join(["x"] * 70), id="depth"),
    ],
)
def test_an_overlong_path_is_refused(dialect, path):
    assert_refused(dialect, dialect.ask("GET", path), 413)
    assert_refused(dialect, dialect.put(path, CANARY), 413)


def test_an_overlong_target_is_refused(dialect):
    assert_refused(dialect, dialect.ask("GET", "x" * 9000), 414, 431)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("%252e%252e", id="double encoded dots are a name"),
        pytest.param("...", id="three dots"),
        pytest.param("..a", id="dots and more"),
        pytest.param("with%20space", id="space inside"),
        pytest.param("a:b@c", id="punctuation"),
        pytest.param("100%25", id="percent"),
        pytest.param("%C3%A9t%C3%A9", id="accents"),
        pytest.param("%F0%9F%94%91", id="emoji"),
        pytest.param("a+b", id="plus"),
        pytest.param("x" * 255, id="longest segment"),
    ],
)
def test_an_odd_name_is_a_name(dialect, path):
    assert dialect.ask("PUT", path, body=dialect.entry("odd")).status in {200, 201}
    assert dialect.value_in(dialect.ask("GET", path)) == "odd"
    assert dialect.ask("DELETE", path).status == 204
    assert dialect.ask("GET", path).status == 404


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("a/b", id="plain"),
        pytest.param("a%2Fb", id="encoded slash"),
        pytest.param("a%2fb", id="encoded slash in small letters"),
        pytest.param("/a/b", id="double slash"),
        pytest.param("a//b", id="double slash inside"),
        pytest.param("%61/b", id="encoded letter"),
    ],
)
def test_spellings_of_one_path_are_one_secret(dialect, spelling):
    assert dialect.ask("PUT", spelling, body=dialect.entry("one")).status in {200, 201}
    assert dialect.value_in(dialect.ask("GET", "a/b")) == "one"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS", "PURGE", "LINK"])
def test_an_unknown_method_is_refused(dialect, method):
    assert_refused(dialect, dialect.ask(method, "kept"), 400, 405)
    assert_nothing_lost(dialect)


@pytest.mark.parametrize("method", ["get", "Get", "BREW", "canary-7f3a"])
def test_a_method_that_no_parser_knows_is_refused_before_its_target_is_read(dialect, method):
    answer = dialect.ask(method, "kept")
    assert (answer.status, answer.headers["Content-Type"]) == (405, "application/json")
    assert CANARY.encode() not in answer.body
    assert_nothing_lost(dialect)


@pytest.mark.parametrize("method", ["POST", "LIST", "SCAN"])
def test_a_method_of_the_other_dialect_is_refused(method):
    dialect = Dcos(StoreUnderTest().initialize())
    assert_refused(dialect, dialect.ask(method, "kept", body={"value": "x"}), 405)


def tokens_that_are_none(store):
    expired, revoked, used = store.token(ttl=60), store.token(), store.token(num_uses=1)
    child_of_revoked = store.token(by=revoked)
    accessor = store.create_token().auth["accessor"]
    store.is_live(used)
    store.clock.advance(60)
    store.vault("PUT", "auth/token/revoke", {"token": revoked}, token=store.root)
    return {
        "missing": "",
        "expired": expired,
        "revoked": revoked,
        "child of a revoked one": child_of_revoked,
        "used up": used,
        "accessor": accessor,
        "forged": "hvs." + "A" * 24,
        "cut": store.root[:-1],
        "extended": store.root + "A",
        "in other letters": store.root.swapcase(),
        "overlong": "hvs." + "A" * 4000,
        "a JSON web token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
    }


def test_a_token_that_is_none_is_refused(dialect):
    bodies = set()
    for name, token in tokens_that_are_none(dialect.store).items():
        for answer in (
            dialect.ask("GET", "kept", token=token),
            dialect.ask("GET", "absent", token=token),
            dialect.put("kept", CANARY, token=token),
            dialect.ask("DELETE", "kept", token=token),
        ):
            assert_refused(dialect, answer, dialect.unknown)
            assert token == "" or token not in answer.body.decode(), name
            bodies.add(answer.body)
    assert len(bodies) == 1  # and the answer does not tell which it was
    assert_nothing_lost(dialect)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["X-Vault-Token: {root}", "X-Vault-Token: {other}"], id="twice by the same header"),
        pytest.param(["Authorization: Bearer {root}", "Authorization: Bearer {other}"], id="two bearers"),
        pytest.param(["X-Vault-Token: {root}", "Authorization: Bearer {other}"], id="two headers"),
        pytest.param(["Authorization: token={root}", "Authorization: token={root}"], id="the same one twice"),
    ],
)
def test_two_tokens_are_refused(dialect, headers):
    names = {"root": dialect.store.root, "other": dialect.store.token()}
    headers = [header.format(**names) for header in headers]
    assert_refused(dialect, dialect.ask("GET", "kept", token="", headers=headers), 400)


def test_two_tokens_in_two_headers_are_refused_where_both_could_be_meant():
    dialect = Dcos(StoreUnderTest().initialize())
    root, other = dialect.store.root, dialect.store.token()
    assert_refused(dialect, dialect.ask("GET", "kept", token=root, headers=[f"X-Vault-Token: {other}"]), 400)
    assert dialect.ask("GET", "kept", token=root, headers=[f"X-Vault-Token: {root}"]).status == 404


def test_bearer_is_understood_by_both(dialect):
    answer = dialect.ask("GET", "kept", token="", headers=[f"Authorization: bearer {dialect.store.root}"])
    assert dialect.value_in(answer) == KEPT


def test_somebody_known_who_may_not_is_refused(dialect):
    token = dialect.store.token(policies=["default"])
    for path in ("kept", "absent"):
        assert_refused(dialect, dialect.ask("GET", path, token=token), 403)
        assert_refused(dialect, dialect.put(path, CANARY, token=token), 403)
        assert_refused(dialect, dialect.ask("DELETE", path, token=token), 403)
    assert_nothing_lost(dialect)


class TestSealed:
    @pytest.fixture(autouse=True)
    def seal(self, dialect):
        dialect.store.seal()

    def test_everything_is_refused_and_no_name_is_told(self, dialect):
        answers = {
            ask(path).body
            for path in ("kept", "absent")
            for ask in (
                lambda path: dialect.ask("GET", path),
                lambda path: dialect.ask("GET", path + "?list=true"),
                lambda path: dialect.put(path, CANARY),
                lambda path: dialect.ask("DELETE", path),
                lambda path: dialect.ask("GET", path, token="hvs.forged"),
                lambda path: dialect.ask("GET", path, token=""),
            )
        }
        assert len(answers) == 1
        assert_refused(dialect, dialect.ask("GET", "kept"), 503)
        dialect.store.unseal()
        assert_nothing_lost(dialect)

    @pytest.mark.parametrize(
        "share",
        [
            pytest.param("", id="empty"),
            pytest.param("canary-7f3a", id="neither hex nor base64"),
            pytest.param("0c" * 15, id="too short"),
            pytest.param("0c" * 32, id="one byte short"),
            pytest.param("0c" * 34, id="one byte long"),
            pytest.param("0c" * 500_000, id="endless"),
            pytest.param("🔑", id="emoji"),
            pytest.param(["canary-7f3a"], id="in a list"),
            pytest.param({"canary-7f3a": 1}, id="an object"),
        ],
    )
    def test_a_malformed_share_is_refused_and_loses_no_progress(self, dialect, share):
        dialect.submit(dialect.store.shares[0])
        assert_refused(dialect, dialect.submit(share), 400)
        assert dialect.submit(dialect.store.shares[1]).json["progress"] == 2

    def test_a_repeated_share_counts_once(self, dialect):
        answers = [dialect.submit(dialect.store.shares[0]).json for _ in range(4)]
        assert [(answer["progress"], answer["sealed"]) for answer in answers] == [(1, True)] * 4

    def test_too_few_shares_open_nothing(self, dialect):
        for share in dialect.store.shares[:2]:
            assert dialect.submit(share).json["sealed"] is True
        assert_refused(dialect, dialect.ask("GET", "kept"), 503)

    @pytest.mark.parametrize("position", [0, 1, 2], ids=["first", "second", "last"])
    def test_a_wrong_share_is_refused_and_may_be_tried_again(self, dialect, position):
        shares = dialect.store.shares[:3]
        shares[position] = ANOTHER_SHARE
        *_, last = [dialect.submit(share) for share in shares]
        assert_refused(dialect, last, 400)
        dialect.store.unseal()
        assert_nothing_lost(dialect)

    def test_a_share_typed_wrong_by_one_digit_is_a_wrong_share(self, dialect):
        first = dialect.store.shares[0]
        typo = ("1" if first[0] == "0" else "0") + first[1:]
        *_, last = [dialect.submit(share) for share in (typo, *dialect.store.shares[1:3])]
        assert_refused(dialect, last, 400)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(StorageFullError("storage: no room left"), id="full disk"),
        pytest.param(StorageBrokenError("storage: broken"), id="dying disk"),
    ],
)
def test_what_cannot_be_stored_is_not_acknowledged(dialect, refusal):
    storage = dialect.store.storage
    storage.refusal = refusal
    assert_refused(dialect, dialect.put("kept", CANARY), 503)
    assert_refused(dialect, dialect.ask("PUT", "new", body=dialect.entry(CANARY)), 503)
    assert_refused(dialect, dialect.ask("DELETE", "kept"), 503)
    assert dialect.value_in(dialect.ask("GET", "kept")) == KEPT
    assert dialect.ask("GET", "new").status == 404
    storage.refusal = None
    assert_nothing_lost(dialect)
    assert dialect.put("kept", "changed").status in {200, 204}
    assert dialect.value_in(dialect.ask("GET", "kept")) == "changed"


@pytest.mark.parametrize("stored", [pytest.param(True, id="after"), pytest.param(False, id="before")])
def test_a_crash_at_the_commit_leaves_the_old_or_the_new(dialect, stored):
    dialect.store.storage.crash_at_commit(1, stored=stored)
    assert_refused(dialect, dialect.put("kept", "changed"), 503)
    dialect.store.restart(storage=dialect.store.storage.survivor())
    assert dialect.value_in(dialect.ask("GET", "kept")) == ("changed" if stored else KEPT)


def test_without_audit_there_is_neither_answer_nor_change(dialect):
    sink = CollectingSink()
    dialect.store.sinks["main"] = sink
    dialect.store.restart()
    sink.refuses = True
    assert_refused(dialect, dialect.ask("GET", "kept"), 500, 503)
    assert_refused(dialect, dialect.put("kept", CANARY), 500, 503)
    sink.refuses = False
    assert dialect.value_in(dialect.ask("GET", "kept")) == KEPT


def test_an_unknown_path_is_answered_in_its_dialect(dialect):
    target = dialect.secret("").replace("/secret/", "/no-such-thing/")
    answer = dialect.store.send(request("GET", target, headers=[dialect.credential(dialect.store.root)]))
    assert_refused(dialect, answer, 404)


def test_every_answer_says_that_it_is_not_to_be_kept(dialect):
    for answer in (
        dialect.ask("GET", "kept"),
        dialect.ask("GET", "absent"),
        dialect.ask("GET", "kept", token=""),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"] == "application/json"


class TestAcross:
    """One secret, two protocols."""

    @pytest.fixture
    def store(self):
        return StoreUnderTest().initialize()

    def test_a_text_crosses_both_ways(self, store):
        text = 'tabs\t"quotes" \\ and 🔑\n'
        store.dcos("PUT", "secret/default/a", {"value": text}, token=store.root)
        assert store.vault("GET", "secret/data/a", token=store.root).data["data"] == {"value": text}
        store.vault("PUT", "secret/data/a", {"data": {"value": text[::-1]}}, token=store.root)
        assert store.dcos("GET", "secret/default/a", token=store.root).json == {"value": text[::-1]}

    @pytest.mark.parametrize(
        "entry",
        [
            pytest.param(b'{"user":"u","password":"p"}', id="a map"),
            pytest.param(b'{"value":"v","more":1}', id="a value and more"),
            pytest.param(b'{"value":5}', id="a number as value"),
            pytest.param(b'{"value":null}', id="null as value"),
            pytest.param(b'{"value":{"deep":["er"]}}', id="an object as value"),
            pytest.param(b'{"n":12345678901234567890123.000100}', id="a number with all its digits"),
            pytest.param(b"{}", id="nothing"),
        ],
    )
    def test_another_shape_reads_as_its_json_text(self, store, entry):
        store.vault("PUT", "secret/data/a", raw=b'{"data":%b}' % entry, token=store.root)
        assert store.dcos("GET", "secret/default/a", token=store.root).json == {"value": entry.decode()}

    def test_an_update_by_one_is_a_version_for_the_other(self, store):
        store.dcos("PUT", "secret/default/a", {"value": "1"}, token=store.root)
        assert store.dcos("PATCH", "secret/default/a", {"value": "2"}, token=store.root).status == 204
        data = store.vault("GET", "secret/data/a", token=store.root).data
        assert (data["data"], data["metadata"]["version"]) == ({"value": "2"}, 2)
        old = store.vault("GET", "secret/data/a?version=1", token=store.root).data
        assert old["data"] == {"value": "1"}

    def test_deleted_by_one_is_absent_for_the_other(self, store):
        store.dcos("PUT", "secret/default/a", {"value": "1"}, token=store.root)
        store.vault("DELETE", "secret/data/a", token=store.root)
        for method, body in (("GET", None), ("PATCH", {"value": "x"}), ("DELETE", None)):
            answer = store.dcos(method, "secret/default/a", body, token=store.root)
            assert (answer.status, answer.json["description"]) == (404, "the secret does not exist")
        assert store.dcos("GET", "secret/default/?list=true", token=store.root).json == {"array": []}
        assert store.dcos("PUT", "secret/default/a", {"value": "2"}, token=store.root).status == 201
        data = store.vault("GET", "secret/data/a", token=store.root).data
        assert (data["data"], data["metadata"]["version"]) == ({"value": "2"}, 2)
        assert store.dcos("DELETE", "secret/default/a", token=store.root).status == 204
        gone = store.vault("GET", "secret/data/a", token=store.root)
        assert (gone.status, gone.data["data"], gone.data["metadata"]["version"]) == (404, None, 2)

    def test_a_listing_names_what_both_wrote(self, store):
        store.dcos("PUT", "secret/default/team/one", {"value": "1"}, token=store.root)
        store.vault("PUT", "secret/data/team/two", {"data": {}}, token=store.root)
        listed = store.vault("LIST", "secret/metadata/team", token=store.root).data["keys"]
        assert listed == ["one", "two"]
        assert store.dcos("GET", "secret/default/team?list=true", token=store.root).json["array"] == listed

    def test_of_many_creates_one_wins(self, store):
        answers = [
            store.dcos("PUT", "secret/default/a", {"value": str(number)}, token=store.root)
            for number in range(3)
        ]
        assert [answer.status for answer in answers] == [201, 409, 409]
        cas = {"data": {"value": "late"}, "options": {"cas": 0}}
        assert store.vault("PUT", "secret/data/a", cas, token=store.root).status == 400
        assert store.dcos("GET", "secret/default/a", token=store.root).json == {"value": "0"}

    def test_a_share_handed_in_here_and_one_there_add_up(self, store):
        store.seal()
        store.vault("PUT", "sys/unseal", {"key": store.shares[0]})
        assert store.dcos("PUT", "unseal/default", {"key": store.shares[1]}).json["progress"] == 2
        assert store.vault("PUT", "sys/unseal", {"key": store.shares[2]}).json["sealed"] is False


def test_requests_on_one_connection_do_not_mix(dialect):
    """Good, bad and good again, pipelined: three answers in order, the first and last with the value."""
    credential = [dialect.credential(dialect.store.root)]
    good = request("GET", dialect.secret("kept"), headers=credential)
    bad = request(dialect.update, dialect.secret("kept"), raw=b'{"data":', headers=credential)
    answers = dialect.store.send_all(good + bad + good)
    assert [answer.status for answer in answers] == [200, 400, 200]
    assert [KEPT.encode() in answer.body for answer in answers] == [True, False, True]
