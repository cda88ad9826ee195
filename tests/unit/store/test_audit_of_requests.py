"""The audit trail as requests leave it: the lines before the answer, or no answer and no change."""

import json
from functools import partial

import pytest
from tests.support.collecting_sink import CollectingSink
from tests.support.local_store import StoreUnderTest

from holdfast.audit import AuditBroker, AuditDevice
from holdfast.errors import HoldfastError, SealedError, UnavailableError
from holdfast.formats.strict_json import decode_object
from holdfast.store.core import Store
from holdfast.store.local import LocalCounter
from holdfast.store.request import Answer, Operation, StoreRequest

CANARY = "canary-7f3a"
UNAUDITED = 500  # what Vault clients expect where no device takes a line


@pytest.fixture
def sink():
    return CollectingSink()


@pytest.fixture
def store(sink):
    return StoreUnderTest(sinks={"main": sink}).initialize()


def entries(sink):
    return [json.loads(line) for line in sink.lines]


def told(sink):
    """What the lines since the last call say, in short."""
    lines = [
        (line["type"], line["request"]["operation"], line["request"]["path"], "error" in line)
        for line in entries(sink)
    ]
    sink.writes.clear()
    return lines


def write(store, value, **options):
    return store.vault("PUT", "secret/data/a", {"data": {"k": value}}, token=store.root, **options)


def read(store):
    return store.vault("GET", "secret/data/a", token=store.root)


class TestOrder:
    def test_two_lines_a_request_before_and_after(self, store, sink):
        write(store, "v")
        read(store)
        assert told(sink) == [
            ("request", "update", "secret/data/a", False),
            ("response", "update", "secret/data/a", False),
            ("request", "read", "secret/data/a", False),
            ("response", "read", "secret/data/a", False),
        ]

    def test_a_change_is_on_record_before_it_is_made(self, store, sink):
        before = []
        submit = store.local.submit
        store.local.submit = lambda frame, done: (before.append(told(sink)), submit(frame, done))
        write(store, "v")
        assert before == [[("request", "update", "secret/data/a", False)]]

    def test_both_lines_carry_the_id_that_the_client_was_told(self, store, sink):
        answer = write(store, "v").json
        assert [line["request"]["id"] for line in entries(sink)] == [answer["request_id"]] * 2

    def test_a_refused_request_is_on_record_too(self, store, sink):
        token = store.token(policies=["default"])
        sink.writes.clear()
        assert store.vault("GET", "secret/data/a", token=token).status == 403
        lines = entries(sink)
        assert told(sink) == [
            ("request", "read", "secret/data/a", True),
            ("response", "read", "secret/data/a", True),
        ]
        assert lines[0]["auth"]["policy_results"] == {"allowed": False}
        assert lines[0]["auth"]["policies"] == ["default"]

    @pytest.mark.parametrize("token", ["", "hvs.forged"], ids=["no token", "forged token"])
    def test_a_request_by_nobody_is_on_record_too(self, store, sink, token):
        assert store.vault("GET", "secret/data/a", token=token).status == 403
        assert told(sink) == [
            ("request", "read", "secret/data/a", True),
            ("response", "read", "secret/data/a", True),
        ]

    def test_a_failed_request_says_why(self, store, sink):
        answer = store.vault("PUT", "secret/data/a", {"data": {}, "options": {"cas": 9}}, token=store.root)
        assert answer.status == 400
        assert [line.get("error") for line in entries(sink)] == [None, answer.errors[0]]

    def test_what_needs_no_token_is_not_on_record(self, store, sink):
        for path in ("sys/health", "sys/seal-status", "sys/init", "sys/leader"):
            assert store.vault("GET", path).status == 200
        assert sink.lines == []

    def test_sealing_is_on_record(self, store, sink):
        store.seal()
        assert told(sink) == [("request", "update", "sys/seal", False)]
        assert read(store).status == 503
        assert sink.lines == []

    def test_a_rotation_is_on_record_and_so_is_what_follows(self, store, sink):
        store.vault("PUT", "sys/rotate", token=store.root)
        write(store, "v")
        assert [line[0:3] for line in told(sink)] == [
            ("request", "update", "sys/rotate"),
            ("response", "update", "sys/rotate"),
            ("request", "update", "secret/data/a"),
            ("response", "update", "secret/data/a"),
        ]

    def test_the_mount_is_the_one_of_the_moment(self, store, sink):
        def mount_in_lines():
            store.vault("GET", "later/a", token=store.root)
            shown = {line["request"].get("mount_point", "") for line in entries(sink)[-2:]}
            return shown.pop()

        assert mount_in_lines() == ""
        store.vault("PUT", "sys/mounts/later", {"type": "kv"}, token=store.root)
        assert mount_in_lines() == "later/"
        store.vault("DELETE", "sys/mounts/later", token=store.root)
        assert mount_in_lines() == ""


class TestFailClosed:
    def test_no_line_no_answer(self, store, sink):
        write(store, CANARY)
        sink.refuses = True
        answer = read(store)
        assert answer.status == UNAUDITED
        assert CANARY.encode() not in answer.body
        assert store.dcos("GET", "secret/default/a", token=store.root).status == 503
        sink.refuses = False
        assert read(store).data["data"] == {"k": CANARY}

    def test_no_line_no_change(self, store, sink):
        write(store, "before")
        sink.refuses = True
        revision = store.storage.revision()
        assert write(store, "after").status == UNAUDITED
        assert store.create_token().status == UNAUDITED
        assert store.vault("DELETE", "secret/data/a", token=store.root).status == UNAUDITED
        assert store.vault("PUT", "sys/seal", token=store.root).status == UNAUDITED
        assert store.storage.revision() == revision
        sink.refuses = False
        assert read(store).data["data"] == {"k": "before"}

    def test_no_line_no_refusal_either(self, store, sink):
        token = store.token(policies=["default"])
        sink.refuses = True
        assert store.vault("GET", "secret/data/a", token=token).status == UNAUDITED

    def test_a_change_whose_outcome_could_not_be_recorded_is_not_acknowledged(self, store, sink):
        submit = store.local.submit

        def submit_and_fill_the_disk(frame, done):
            sink.refuses = True
            submit(frame, done)

        store.local.submit = submit_and_fill_the_disk
        assert write(store, "v").status == UNAUDITED

    def test_one_of_two_devices_is_enough(self):
        sinks = {"one": CollectingSink(), "two": CollectingSink()}
        store = StoreUnderTest(sinks=sinks).initialize()
        sinks["one"].refuses = True
        assert write(store, "v").status == 200
        assert len(sinks["two"].lines) == 2
        sinks["two"].refuses = True
        assert read(store).status == UNAUDITED


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param({"custom_metadata": "null", "note": CANARY}, id="by-name"),
        pytest.param({'"custom_metadata":null': CANARY}, id="by-name-with-quotes"),
        pytest.param({"note": CANARY, "other": '"custom_metadata":null'}, id="by-value"),
    ],
)
def test_no_note_can_hide_that_there_are_notes(store, sink, notes):
    store.vault("PUT", "secret/data/a", {"data": {"k": "v"}}, token=store.root)
    store.vault("PUT", "secret/metadata/a", {"custom_metadata": notes}, token=store.root)
    assert store.vault("GET", "secret/data/a", token=store.root).status == 200
    assert CANARY not in b"".join(sink.lines).decode()


def test_nothing_that_is_secret_is_in_clear(store, sink):
    """Values, tokens and accessors on every kind of path, in requests and in answers."""
    root, secrets = store.root, [store.root]
    merge = ["Content-Type: application/merge-patch+json"]
    value = {"data": {"k": CANARY, "deep": {"er": [CANARY, {"est": CANARY}]}, CANARY[:0]: CANARY}}
    store.vault("PUT", "secret/data/a", value, token=root)
    store.vault("PATCH", "secret/data/a", {"data": {"k": CANARY}}, token=root, headers=merge)
    store.vault("GET", "secret/data/a", token=root)
    store.vault("GET", "secret/data/a?version=1", token=root)
    store.vault("PUT", "secret/metadata/a", {"custom_metadata": {"note": CANARY}}, token=root)
    store.vault("GET", "secret/data/a", token=root)
    store.vault("GET", "secret/metadata/a", token=root)
    store.dcos("GET", "secret/default/a", token=root)
    store.dcos("PATCH", "secret/default/a", {"value": CANARY}, token=root)
    store.vault("PUT", "sys/mounts/one", {"type": "kv", "description": CANARY}, token=root)
    store.vault("PUT", "one/a", {"k": CANARY}, token=root)
    store.vault("GET", "one/a", token=root)
    made = store.create_token(ttl=60, policies=["default"]).auth
    secrets += [made["client_token"], made["accessor"]]
    for path, body in (
        ("auth/token/lookup", {"token": made["client_token"]}),
        ("auth/token/lookup-accessor", {"accessor": made["accessor"]}),
        ("auth/token/renew", {"token": made["client_token"]}),
        ("sys/capabilities", {"token": made["client_token"], "paths": ["x"]}),
        ("auth/token/revoke-accessor", {"accessor": made["accessor"]}),
    ):
        assert store.vault("PUT", path, body, token=root).status in {200, 204}
    store.vault("GET", "secret/data/a", token="hvs.forged-" + CANARY)
    store.vault("PUT", "secret/data/a", {"data": {"k": CANARY}, "options": {"cas": CANARY}}, token=root)
    store.vault("PUT", "sys/policies/acl/p", {"policy": CANARY}, token=root)
    text = b"\n".join(sink.lines).decode()
    assert len(sink.lines) > 40
    assert [secret for secret in (CANARY, *secrets) if secret in text] == []
    assert text.count("hmac-sha256:") > 60


class HeldWriter:
    """A keeper at the far end of a line on which commands wait until the test lets them through."""

    def __init__(self):
        self.waiting = []
        self.is_away = False

    def submit(self, frame, done):
        if self.is_away:
            raise UnavailableError("the writer is away")
        self.waiting.append((frame, done))


class TestEventLoop:
    """One process of several: answers wait for the end of the turn, changes for the keeper."""

    @pytest.fixture(autouse=True)
    def begin(self, store, sink):
        self.under_test, self.sink = store, sink
        self.turn = []
        self.writer = HeldWriter()
        self.counter = LocalCounter()
        self.reader = Store(
            store.storage,
            self.writer,
            self.counter,
            store.clock,
            open_audit_devices=lambda keys: AuditBroker([AuditDevice("main", keys["main"], sink)]),
            schedule=self.turn.append,
        )
        self.open()
        self.outcomes = []
        write(store, "v")
        sink.writes.clear()

    def open(self):
        self.reader.open(self.under_test.local.keeper.keyring_bytes())

    def ask(self, operation, path, *, token=None, body=b"{}"):
        request = StoreRequest(
            id=f"id-{len(self.outcomes)}",
            operation=operation,
            path=path,
            token=token or self.under_test.root,
            body=decode_object(body),
        )
        self.outcomes.append(None)
        self.reader.serve(request, partial(self.take, len(self.outcomes) - 1))

    def take(self, index, outcome):
        assert self.outcomes[index] is None, "answered twice"
        self.outcomes[index] = outcome

    def end_turn(self):
        while self.turn:
            self.turn.pop(0)()

    def let_through(self):
        waiting, self.writer.waiting = self.writer.waiting, []
        for frame, done in waiting:
            (outcome,) = self.under_test.local.keeper.apply([frame])
            self.counter.bump()
            done(outcome)

    def test_answers_of_one_turn_wait_for_one_write(self):
        for _ in range(3):
            self.ask(Operation.READ, "secret/data/a")
        assert self.outcomes == [None] * 3
        self.end_turn()
        assert all(isinstance(outcome, Answer) for outcome in self.outcomes)
        assert (len(self.sink.writes), len(self.sink.lines)) == (1, 6)

    def test_changes_wait_for_their_announcement(self):
        self.ask(Operation.WRITE, "secret/data/a", body=b'{"data":{}}')
        assert self.writer.waiting == []
        self.end_turn()
        assert len(self.sink.lines) == 1
        self.let_through()
        self.end_turn()
        assert isinstance(self.outcomes[0], Answer)
        assert len(self.sink.lines) == 2

    def test_a_full_disk_refuses_all_of_a_turn(self):
        self.ask(Operation.READ, "secret/data/a")
        self.ask(Operation.WRITE, "secret/data/a", body=b'{"data":{}}')
        self.ask(Operation.READ, "secret/data/a", token="hvs.forged")
        self.sink.refuses = True
        self.end_turn()
        assert [type(outcome).__name__ for outcome in self.outcomes] == ["AuditFailedError"] * 3
        assert self.writer.waiting == []

    def test_a_keeper_that_is_away_fails_its_own_requests_only(self):
        self.writer.is_away = True
        self.ask(Operation.WRITE, "secret/data/a", body=b'{"data":{}}')
        self.ask(Operation.READ, "secret/data/a")
        self.end_turn()
        assert isinstance(self.outcomes[0], UnavailableError)
        assert isinstance(self.outcomes[1], Answer)
        assert [line.get("error") for line in entries(self.sink)] == [None, None, None, "the writer is away"]

    def test_a_defect_in_one_answer_leaves_the_others(self, caplog):
        def fail(_outcome):
            raise KeyError(CANARY)

        request = StoreRequest(
            id="x", operation=Operation.READ, path="secret/data/a", token=self.under_test.root
        )
        heard = []
        self.reader.serve(
            request, lambda outcome: heard.append(outcome) if heard else fail(heard.append(outcome))
        )
        self.ask(Operation.READ, "secret/data/a")
        self.end_turn()
        assert isinstance(self.outcomes[0], Answer)
        assert "KeyError" in caplog.text
        assert CANARY not in caplog.text

    def test_a_counted_use_is_counted_before_anything_is_said(self):
        token = self.under_test.token(num_uses=1)
        self.sink.writes.clear()
        self.ask(Operation.READ, "secret/data/a", token=token)
        self.ask(Operation.READ, "secret/data/a", token=token)
        self.end_turn()
        assert self.outcomes == [None, None]
        self.let_through()
        self.end_turn()
        assert isinstance(self.outcomes[0], Answer)
        assert isinstance(self.outcomes[1], HoldfastError)

    def test_sealing_in_between_answers_everything(self):
        token = self.under_test.token(num_uses=1)
        self.ask(Operation.READ, "auth/token/lookup-self", token=token)
        self.ask(Operation.WRITE, "secret/data/a", body=b'{"data":{}}')
        self.end_turn()
        self.reader.close()
        self.let_through()
        self.end_turn()
        assert [type(outcome) for outcome in self.outcomes] == [SealedError, SealedError]
        assert self.sink.closed == 1

    def test_rotating_in_between_changes_nothing(self):
        token = self.under_test.token(num_uses=1)
        self.sink.writes.clear()
        self.ask(Operation.READ, "secret/data/a", token=token)
        self.ask(Operation.WRITE, "secret/data/a", body=b'{"data":{}}')
        self.end_turn()
        self.open()
        self.let_through()
        self.end_turn()
        assert all(isinstance(outcome, Answer) for outcome in self.outcomes)
        assert [line["type"] for line in entries(self.sink)].count("response") == 2

    def test_a_change_elsewhere_is_seen_by_the_next_request(self):
        self.ask(Operation.READ, "later/a")
        self.under_test.vault("PUT", "sys/mounts/later", {"type": "kv"}, token=self.under_test.root)
        self.counter.bump()
        self.ask(Operation.READ, "later/a")
        self.end_turn()
        assert "no handler for route" in self.outcomes[0].message
        assert self.outcomes[1] == Answer(missing=True)
