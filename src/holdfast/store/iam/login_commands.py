"""What the keeper is asked around a login: may this password be tried now, and it was right.

The keeper counts, because it is the one process that every worker of a node reaches.
"""

from holdfast.formats.strict_json import encode
from holdfast.iam.lockout import LoginGuard
from holdfast.store.keeper_commands import KeeperCommand
from holdfast.store.request import Answer


class LoginCommand(KeeperCommand, frozen=True, kw_only=True):
    """Base of what the keeper asks its guard.

    Attributes:
        uid: the user name that was sent; such a user need not exist.
        source: where it came from.
    """

    uid: str
    source: str

    def ask(self, guard: LoginGuard, now: float) -> Answer:
        """Ask the guard at ``now``, in Unix seconds."""
        raise NotImplementedError


class BeginLogin(LoginCommand, frozen=True, kw_only=True):
    """Count a try, or say how long to wait."""

    def ask(self, guard: LoginGuard, now: float) -> Answer:
        """Return the seconds to wait, 0 to go on."""
        return Answer(data=encode(guard.attempt(self.uid, self.source, now)))


class PasswordWasRight(LoginCommand, frozen=True, kw_only=True):
    """Take the try back."""

    def ask(self, guard: LoginGuard, now: float) -> Answer:  # noqa: ARG002 - the shape of the base
        """Forget it."""
        guard.succeeded(self.uid, self.source)
        return Answer()
