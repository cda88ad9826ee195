"""An audit sink in memory, which can be told to refuse."""

from holdfast.audit import AuditSinkError


class CollectingSink:
    def __init__(self):
        self.writes = []
        self.refuses = False
        self.reopened = 0
        self.closed = 0

    @property
    def lines(self):
        return b"".join(self.writes).splitlines()

    def write(self, lines):
        if self.refuses:
            raise AuditSinkError("told to refuse")
        self.writes.append(lines)

    def reopen(self):
        if self.refuses:
            raise AuditSinkError("told to refuse")
        self.reopened += 1

    def close(self):
        self.closed += 1
