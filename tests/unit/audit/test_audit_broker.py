"""Every line reaches every device, and without one that takes it there is no answer."""

import json

import pytest
from tests.support.collecting_sink import CollectingSink

from holdfast.audit import AuditBroker, AuditDevice, AuditFailedError, AuditTarget
from holdfast.errors import InternalError, NotFoundError, UnavailableError

NOW = 1_700_000_000.0
READ = AuditTarget("read", "secret/data/a", mount_point="secret/", mount_type="kv")


@pytest.fixture
def sinks():
    return [CollectingSink(), CollectingSink()]


@pytest.fixture
def broker(sinks):
    return AuditBroker([AuditDevice("one", b"salt-1", sinks[0]), AuditDevice("two", b"salt-2", sinks[1])])


def audit_one(broker):
    entry = broker.entry(b"r", broker.auth(client_token="hvs.token"), READ, allowed=True)
    broker.request(entry, NOW, data=b'{"k":"v"}')
    broker.response(entry, NOW, data=b'{"k":"v"}')


def test_without_devices_auditing_is_off():
    broker = AuditBroker()
    audit_one(broker)
    broker.flush()
    assert not broker.is_enabled


def test_nothing_is_written_before_the_flush_and_everything_by_one_write(broker, sinks):
    for _ in range(50):
        audit_one(broker)
    assert [sink.writes for sink in sinks] == [[], []]
    broker.flush()
    assert [(len(sink.writes), len(sink.lines)) for sink in sinks] == [(1, 100), (1, 100)]
    broker.flush()
    assert [len(sink.writes) for sink in sinks] == [1, 1]


def test_each_device_hashes_with_its_own_salt(broker, sinks):
    audit_one(broker)
    broker.flush()
    for name, sink in zip(["one", "two"], sinks, strict=True):
        request, response = map(json.loads, sink.lines)
        assert request["auth"]["client_token"] == broker.hash(name, "hvs.token")
        assert request["request"]["data"]["k"] == response["response"]["data"]["k"] == broker.hash(name, "v")
    assert broker.hash("one", "v") != broker.hash("two", "v")


def test_one_accepting_device_is_enough_and_the_failure_is_counted(broker, sinks):
    sinks[0].refuses = True
    audit_one(broker)
    broker.flush()
    assert len(sinks[1].lines) == 2
    assert [device.failures for device in broker.devices] == [1, 0]
    assert "told to refuse" in broker.devices[0].last_failure


def test_no_accepting_device_refuses_the_requests(broker, sinks):
    for sink in sinks:
        sink.refuses = True
    audit_one(broker)
    with pytest.raises(AuditFailedError) as raised:
        broker.flush()
    assert isinstance(raised.value, UnavailableError)
    assert "one: told to refuse" in raised.value.detail


def test_what_was_refused_is_not_written_later(broker, sinks):
    for sink in sinks:
        sink.refuses = True
    audit_one(broker)
    with pytest.raises(AuditFailedError):
        broker.flush()
    for sink in sinks:
        sink.refuses = False
    broker.flush()
    assert [sink.lines for sink in sinks] == [[], []]
    audit_one(broker)
    broker.flush()
    assert [len(sink.lines) for sink in sinks] == [2, 2]


def test_a_broken_document_is_refused_before_any_line_is_kept(broker, sinks):
    entry = broker.entry(b"r", broker.auth(client_token="t"), READ)
    with pytest.raises(ValueError, match="malformed"):
        broker.response(entry, NOW, data=b"{nonsense")
    broker.flush()
    assert [sink.lines for sink in sinks] == [[], []]


def test_parts_of_another_broker_are_refused(broker):
    other = AuditBroker([AuditDevice("other", b"salt-3", CollectingSink())])
    foreign = other.auth(client_token="t")
    with pytest.raises(InternalError):
        broker.entry(b"r", foreign, READ)
    entry = broker.entry(b"r", broker.auth(client_token="t"), READ)
    with pytest.raises(InternalError):
        other.request(entry, NOW)
    with pytest.raises(InternalError):
        other.response(entry, NOW)
    with pytest.raises(InternalError):
        broker.response(entry, NOW, auth=foreign)


def test_the_hash_of_an_unknown_device_is_refused(broker):
    with pytest.raises(NotFoundError, match=r"^unknown audit backend$"):
        broker.hash("three", "x")


def test_reopen_reaches_every_device_also_behind_a_failing_one(broker, sinks):
    sinks[0].refuses = True
    with pytest.raises(AuditFailedError):
        broker.reopen()
    assert sinks[1].reopened == 1
    sinks[0].refuses = False
    broker.reopen()
    assert [sink.reopened for sink in sinks] == [1, 2]


def test_close_reaches_every_device(broker, sinks):
    audit_one(broker)
    broker.close()
    assert [(sink.closed, sink.writes) for sink in sinks] == [(1, []), (1, [])]


def test_kept_parts_do_not_hold_the_token(broker):
    auth = broker.auth(client_token="hvs.canary", accessor="canary-accessor")
    assert b"canary" not in b"".join(part for rendered in auth.rendered.values() for part in rendered)
