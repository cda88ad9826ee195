"""The superuser that the configuration names: made when the store is opened for the first time, never again.

Once made he is a user like any other, who may change his password or be removed. The password's file is read
that one time, and can be deleted afterwards.
"""

import logging
from pathlib import Path

from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.iam import directory
from holdfast.iam.changes import new_generation
from holdfast.iam.directory import SUPERUSERS, User
from holdfast.iam.passwords import MAX_PASSWORD_BYTES, Passwords
from holdfast.iam.settings import IamSettings
from holdfast.storage.interface import Reader, Transaction

_READABLE_BY_OTHERS = 0o077

log = logging.getLogger(__name__)


def is_due(view: Reader, settings: IamSettings) -> bool:
    """Whether the superuser has still to be made."""
    return bool(settings.superuser) and not directory.load_first_superuser(view)


def prepare(settings: IamSettings, now: float) -> User | None:
    """Return the user to store; ``None`` if his password cannot be read, which is logged.

    A store that cannot be given its first superuser still opens: its root token can make one.
    """
    passwords = Passwords(settings.password_cost, least_length=settings.least_password_length)
    try:
        password = _read(Path(settings.superuser_password_file))
        passwords.check_new(password)
        record = passwords.hash(password)
    except HoldfastError as error:
        log.error("the first superuser is not made: %s", error.message)  # noqa: TRY400 - the text says it all
        return None
    return User("First superuser", now, new_generation(), password=record, groups=(SUPERUSERS,))


def store(tx: Transaction, uid: str, user: User) -> None:
    """Store the first superuser, unless somebody has his name already."""
    directory.save_first_superuser(tx, uid)
    if directory.load_user(tx, uid) is None:
        directory.save_user(tx, uid, user)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PASSWORD_BYTES + 2)
            mode = path.stat().st_mode
    except OSError as error:
        raise InvalidInputError(f"superuser_password_file cannot be read: {error.strerror}") from None
    if mode & _READABLE_BY_OTHERS:
        log.warning("superuser_password_file can be read by others than its owner")
    try:
        return raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise InvalidInputError("superuser_password_file: expected UTF-8") from None
