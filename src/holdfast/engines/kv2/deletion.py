"""Taking versions of a KV v2 secret away: hidden, brought back, or erased.

    delete      hides a version; ``undelete`` brings it back
    destroy     erases its payload for good; its number and times stay known
    erase       everything about the secret, including that it ever was

Numbers that do not exist are passed over, and so is a secret that does not: what the caller wants
gone is gone.
"""

from collections.abc import Callable, Sequence

import msgspec

from holdfast.engines.kv2.config import read_config
from holdfast.engines.kv2.records import VersionState, load, store
from holdfast.engines.names import older_version_key, secret_key
from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Transaction


def delete_current(transaction: Transaction, path: str, *, now: float) -> bool:
    """Hide the current version.

    Returns:
        Whether a live version was there. ``False`` means that nothing was changed.
    """
    secret = load(transaction, path)
    state = None if secret is None else secret.current
    if secret is None or state is None or state.is_gone(now):
        return False
    secret.ledger.replace(secret.ledger.current, msgspec.structs.replace(state, deletion_at=now))
    store(transaction, path, secret)
    return True


def delete_versions(transaction: Transaction, path: str, versions: Sequence[int], *, now: float) -> None:
    """Hide the versions with these numbers.

    Raises:
        InvalidInputError: the list is empty.
    """
    if not versions:
        raise InvalidInputError("No version number provided")

    def hidden(state: VersionState) -> VersionState:
        return state if state.is_gone(now) else msgspec.structs.replace(state, deletion_at=now)

    _change(transaction, path, versions, hidden)


def undelete_versions(transaction: Transaction, path: str, versions: Sequence[int], *, now: float) -> None:
    """Bring hidden versions back; destroyed ones stay destroyed.

    Where versions delete themselves after a time, that time begins again at ``now``.

    Raises:
        InvalidInputError: the list is empty.
    """
    _require_numbers(versions)
    secret = load(transaction, path)
    if secret is None:
        return
    deletion_at = read_config(transaction).deletion_time(secret.ledger, now)

    def shown(state: VersionState) -> VersionState:
        return state if state.destroyed else msgspec.structs.replace(state, deletion_at=deletion_at)

    _change(transaction, path, versions, shown)


def destroy_versions(transaction: Transaction, path: str, versions: Sequence[int]) -> None:
    """Erase the payloads of the versions with these numbers.

    Raises:
        InvalidInputError: the list is empty.
    """
    _require_numbers(versions)

    def destroyed(state: VersionState) -> VersionState:
        return msgspec.structs.replace(state, destroyed=True)

    _change(transaction, path, versions, destroyed)


def erase(transaction: Transaction, path: str) -> None:
    """Erase every version and all metadata of a secret; its numbers begin again at 1."""
    secret = load(transaction, path)
    if secret is None:
        return
    ledger = secret.ledger
    for number in range(ledger.first, ledger.current):
        transaction.delete(older_version_key(path, number))
    transaction.delete(secret_key(path))


def _require_numbers(versions: Sequence[int]) -> None:
    if not versions:
        raise InvalidInputError("no version number provided")


def _change(
    transaction: Transaction,
    path: str,
    versions: Sequence[int],
    changed: Callable[[VersionState], VersionState],
) -> None:
    secret = load(transaction, path)
    if secret is None:
        return
    ledger = secret.ledger
    for number in set(versions):
        before = ledger.state(number)
        if before is None:
            continue
        after = changed(before)
        ledger.replace(number, after)
        if not after.destroyed:
            continue
        if number == ledger.current:
            secret.payload = b""
        else:
            transaction.delete(older_version_key(path, number))
    store(transaction, path, secret)
