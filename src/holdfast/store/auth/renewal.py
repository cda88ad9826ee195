"""Renewing a token that a login gave: its method may want to see again what it was given for."""

from holdfast.store.auth.method import Renewal
from holdfast.store.auth.methods import METHODS
from holdfast.store.command import Command
from holdfast.store.layout import auth_place
from holdfast.store.route import Deferred
from holdfast.store.tokens.records import TokenEntry
from holdfast.store.visit import Visit


def renewing(visit: Visit, entry: TokenEntry | None, command: Command) -> Command | Deferred:
    """Return what renews a token: ``command``, once the method that gave it agrees.

    Args:
        visit: of whoever asks.
        entry: of the token; ``None`` if there is none, which the command finds out by itself.
        command: renews it.

    Raises:
        InvalidInputError: the method does not agree.
    """
    if entry is None or not entry.mount:
        return command
    mount = next((each for each in visit.store.auth_mounts.mounts if each.uuid == entry.mount), None)
    method = None if mount is None else METHODS.get(mount.type)
    if mount is None or method is None or method.renew is None:
        return command
    renewal = Renewal(
        records=visit.view(auth_place(mount.storage_prefix)),
        entry=entry,
        certificate=visit.request.certificate,
        now=visit.now,
    )
    return method.renew(renewal, command)
