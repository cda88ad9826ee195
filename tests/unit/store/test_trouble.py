"""A full disk or a failed audit file is told to the operator once, and so is its end."""

import logging

from tests.support.local_store import StoreUnderTest

from holdfast.errors import UnavailableError
from holdfast.store.trouble import Trouble


def test_it_is_logged_when_it_begins_and_when_it_is_over(caplog):
    trouble = Trouble(logging.getLogger("test"), "writing to storage")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            trouble.met(UnavailableError("no room", detail="ENOSPC"))
        trouble.over()
        trouble.over()
        trouble.met(UnavailableError("no room", detail="ENOSPC"))
    assert [record.getMessage() for record in caplog.records] == [
        "writing to storage fails: no room ENOSPC",
        "writing to storage works again",
        "writing to storage fails: no room ENOSPC",
    ]


def test_a_store_whose_audit_file_fails_says_so(caplog):
    class Refusing:
        refuses = False

        def write(self, lines):
            if self.refuses:
                from holdfast.audit import AuditSinkError

                raise AuditSinkError("the audit file cannot be written", detail="No space left on device")

        def reopen(self):
            pass

        def close(self):
            pass

    sink = Refusing()
    store = StoreUnderTest(sinks={"main": sink}).initialize()
    sink.refuses = True
    with caplog.at_level(logging.INFO):
        assert [store.vault("GET", "sys/mounts", token=store.root).status for _ in range(3)] == [500] * 3
        sink.refuses = False
        assert store.vault("GET", "sys/mounts", token=store.root).status == 200
    told = [record.getMessage() for record in caplog.records if "audit trail" in record.getMessage()]
    assert len(told) == 2
    assert "No space left on device" in told[0]
    assert told[1] == "the audit trail works again"
