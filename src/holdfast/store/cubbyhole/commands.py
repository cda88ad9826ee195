"""Changes to what a token keeps for itself, as commands for the writer."""

from itertools import islice

from holdfast.engines import kv1
from holdfast.errors import InvalidInputError, UnauthenticatedError
from holdfast.storage.interface import Transaction
from holdfast.store.command import Command, Scope
from holdfast.store.layout import TOKENS, cubbyhole_place
from holdfast.store.permit import Permit
from holdfast.store.request import Answer
from holdfast.store.tokens import records as token_records

MAX_ENTRIES = 1000  # of one token; each costs listing those that are there


class CubbyholeCommand(Command, frozen=True, kw_only=True):
    """A change to one record.

    Attributes:
        token_hash: of the token whose record it is; the change is refused if the token is gone by then.
        path: canonical path below the mount.
    """

    token_hash: str
    path: str

    def view(self, scope: Scope) -> Transaction:
        """Return what the token keeps, if the token is still there.

        Raises:
            UnauthenticatedError: it, or an ancestor, was revoked since, and everything that it kept with it.
        """
        tokens = scope.view(TOKENS)
        entry = token_records.load(tokens, self.token_hash)
        # Not whether it is live: a token that was used up with this very request may still keep something.
        if entry is None or not token_records.is_line_whole(tokens, entry):
            raise UnauthenticatedError("permission denied", reason="revoked")
        return scope.view(cubbyhole_place(self.token_hash))


class CubbyholeWrite(CubbyholeCommand, frozen=True, kw_only=True):
    """Replace what is at a path, of which a token has at most ``MAX_ENTRIES``."""

    payload: bytes
    permit: Permit

    def run(self, scope: Scope) -> Answer:
        """Write it."""
        view = self.view(scope)
        exists = view.get(kv1.secret_key(self.path)) is not None
        self.permit.check(exists=exists)
        if not exists and len(list(islice(kv1.walk(view, ""), MAX_ENTRIES))) == MAX_ENTRIES:
            raise InvalidInputError(
                f"cubbyhole: expected at most {MAX_ENTRIES} entries of one token: delete some of them first"
            )
        kv1.write(view, self.path, self.payload)
        return Answer()


class CubbyholeDelete(CubbyholeCommand, frozen=True):
    """Remove what is at a path."""

    def run(self, scope: Scope) -> Answer:
        """Remove it; an absent record is fine."""
        kv1.delete(self.view(scope), self.path)
        return Answer()
