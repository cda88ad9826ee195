"""Schedule policies in the node's storage: named schedules that volumes refer to.

schedule-policies/<name>     SchedulePolicy
"""

from collections.abc import Mapping

import msgspec

from holdfast.model.schedule import Schedule, read_schedule
from holdfast.node.access.ownership_note import OwnershipNote
from holdfast.node.named_records import NamedRecords, check_name
from holdfast.node.stored import read_stored
from holdfast.policy.ownership import Ownership
from holdfast.storage.interface import Storage

RECORDS = "schedule-policies/"


class SchedulePolicy(msgspec.Struct, frozen=True, array_like=True, tag="schedule-policy", kw_only=True):
    """One policy. Fields are only ever appended, with a default.

    Attributes:
        layout: layout version of this record.
        name: unique within the cluster.
        texts: its schedules as they are stored; see ``schedules``.
        changed_at: Unix seconds at which they became what they are.
        stored_ownership: see ``ownership``.
        uid: tells it from every other that had the name before, or has it later.
    """

    layout: int = 1
    name: str
    texts: tuple[str, ...]
    changed_at: int
    stored_ownership: OwnershipNote
    uid: str

    @property
    def id(self) -> str:
        """What it is known by."""
        return self.name

    @property
    def ownership(self) -> Ownership:
        """Whom it belongs to."""
        return self.stored_ownership.ownership()

    @property
    def scope_labels(self) -> Mapping[str, str] | None:
        """No scope in a rule of a role is about policies."""
        return None

    def schedules(self) -> list[Schedule]:
        """Return its schedules."""
        return [read_schedule(text) for text in self.texts]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SchedulePolicy).decode


def check_policy_name(name: str) -> str:
    """Return ``name`` if it may name a schedule policy.

    Raises:
        InvalidInputError: none, other characters, or too long.
    """
    return check_name(name, missing="Must supply Schedule name")


class SchedulePolicies(NamedRecords[SchedulePolicy]):
    """The collection of schedule policies; each change is one transaction.

    Args:
        storage: where they are kept.
    """

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage, kind="schedule policy", prefix=RECORDS, encode=_encode, decode=_read)

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it may name a policy, or raise."""
        return check_policy_name(reference)

    def remove(self, name: str) -> None:
        """Forget a policy; nothing happens if it is gone."""
        self._storage.write(lambda transaction: transaction.delete(RECORDS + name))


def _read(stored: bytes) -> SchedulePolicy:
    return read_stored(_decode, stored, "a stored schedule policy")
