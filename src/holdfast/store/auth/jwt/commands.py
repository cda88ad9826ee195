"""What is stored of logins by way of a browser: that one was used, and one that waits to be fetched.

    oidc/used/<expiry>-<id>       nobody uses its state again
    oidc/arrived/<expiry>-<id>    who has logged in, until the program that waits for him asks

Both are written only after the provider has vouched for somebody, and are removed in passing once their state
has run out.
"""

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.storage.interface import Transaction
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.jwt.browser_state import EXPIRED
from holdfast.store.auth.records import AuthCommand
from holdfast.store.auth.token_settings import TokenSettings
from holdfast.store.command import Scope
from holdfast.store.request import Answer

USED, ARRIVED = "oidc/used/", "oidc/arrived/"
TIDIED_AT_ONCE = 50


class Arrival(msgspec.Struct, array_like=True, frozen=True):
    """Somebody who has logged in. Fields are only ever appended: their order is the record format.

    Attributes are those of ``Earned``.
    """

    role: str
    settings: TokenSettings
    name: str
    metadata: dict[str, str]
    groups: tuple[str, ...]

    def earned(self) -> Earned:
        """Return what he has earned."""
        return Earned(
            role=self.role,
            settings=self.settings,
            name=self.name,
            metadata=self.metadata,
            groups=self.groups,
        )

    def __repr__(self) -> str:
        return "Arrival(...)"


class UseState(AuthCommand, frozen=True, kw_only=True):
    """Use a login's state, for the only time.

    Attributes:
        mark: names it.
        arrival: whoever is to be kept until the program that waits asks; ``None`` if he gets his token now.
    """

    mark: str
    arrival: Arrival | None = None

    def run(self, scope: Scope) -> Answer:
        """Mark it as used, unless it is already."""
        view = self.view(scope)
        if view.get(USED + self.mark) is not None:
            raise InvalidInputError(EXPIRED)
        _tidy(view, scope.now)
        view.put(USED + self.mark, b"\x01")
        if self.arrival is not None:
            view.put(ARRIVED + self.mark, msgspec.msgpack.encode(self.arrival))
        return Answer()


class FetchArrival(AuthCommand, frozen=True, kw_only=True):
    """Take out whoever has logged in; he is there once.

    Attributes:
        mark: names the state.
    """

    mark: str

    def run(self, scope: Scope) -> Answer:
        """Remove the record, if it is still there."""
        view = self.view(scope)
        if view.get(ARRIVED + self.mark) is None:
            raise InvalidInputError(EXPIRED)
        view.delete(ARRIVED + self.mark)
        return Answer()


def _tidy(view: Transaction, now: float) -> None:
    """Forget some of what has run out; names begin with when that is."""
    for prefix in (USED, ARRIVED):
        for name in view.list(prefix, after="", limit=TIDIED_AT_ONCE):
            if int(name.partition("-")[0]) > now:
                break
            view.delete(prefix + name)
