"""Schedule policies in the node's storage: named schedules that volumes refer to.

schedule-policies/<name>     SchedulePolicy
"""

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.model.schedule import Schedule, read_schedule
from holdfast.node.access.ownership_note import OwnershipNote, note_of
from holdfast.node.errors import PolicyExistsError
from holdfast.node.stored import read_all, read_stored
from holdfast.policy.ownership import Ownership
from holdfast.storage.interface import Storage, Transaction

RECORDS = "schedule-policies/"
MAX_NAME_CHARACTERS = 128
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


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
    if not name:
        raise InvalidInputError("name: Must supply Schedule name")
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"name: expected 1 to {MAX_NAME_CHARACTERS} letters, digits, dots, dashes and underscores, "
            "beginning with a letter or digit"
        )
    return name


class SchedulePolicies:
    """The collection of schedule policies; each change is one transaction.

    Args:
        storage: where they are kept.
    """

    kind = "schedule policy"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def check_reference(self, reference: str) -> str:
        """Return ``reference`` if it may name a policy, or raise."""
        return check_policy_name(reference)

    def find(self, reference: str) -> SchedulePolicy | None:
        """Return the policy of this name, or ``None``."""
        stored = self._storage.get(RECORDS + reference)
        return None if stored is None else _read(stored)

    def enumerate(self) -> Iterator[SchedulePolicy]:
        """Yield all policies, by name."""
        for _, stored in read_all(self._storage, RECORDS):
            yield _read(stored)

    def insert(self, policy: SchedulePolicy) -> None:
        """Store a new policy.

        Raises:
            PolicyExistsError: the name is taken.
        """

        def change(transaction: Transaction) -> None:
            if transaction.get(RECORDS + policy.name) is not None:
                raise PolicyExistsError("name: another schedule policy has it already")
            transaction.put(RECORDS + policy.name, _encode(policy))

        self._storage.write(change)

    def update(self, name: str, edit: Callable[[SchedulePolicy], SchedulePolicy]) -> SchedulePolicy:
        """Change a policy; the name stays.

        Raises:
            NotFoundError: it is gone.
        """

        def change(transaction: Transaction) -> SchedulePolicy:
            stored = transaction.get(RECORDS + name)
            if stored is None:
                raise NotFoundError("the schedule policy is gone")
            edited = edit(_read(stored))
            transaction.put(RECORDS + name, _encode(edited))
            return edited

        return self._storage.write(change)

    def change_ownership(self, identity: str, edit: Callable[[Ownership], Ownership]) -> SchedulePolicy:
        """Change whom a policy belongs to.

        Raises:
            NotFoundError: it is gone.
        """
        return self.update(
            identity,
            lambda now: msgspec.structs.replace(now, stored_ownership=note_of(edit(now.ownership))),
        )

    def remove(self, name: str) -> None:
        """Forget a policy; nothing happens if it is gone."""
        self._storage.write(lambda transaction: transaction.delete(RECORDS + name))


def _read(stored: bytes) -> SchedulePolicy:
    return read_stored(_decode, stored, "a stored schedule policy")
