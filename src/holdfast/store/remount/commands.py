"""Moving a mount to another path, as a command for the writer.

Only the table changes: what a mount stores lies below its uuid, whatever its path. Policies speak about
paths, so whoever may do something at the old path may do nothing at the new one unless a policy says so, and
what is mounted at the old path later is something else.
"""

from typing import ClassVar

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.storage.interface import Reader
from holdfast.store.auth.mounts import load_auth_mounts, save_auth_mounts
from holdfast.store.command import Command, Scope
from holdfast.store.layout import MOUNTS, TOKENS
from holdfast.store.leases.ids import leases_below
from holdfast.store.mounts import BUILT_IN_PATHS, save_mounts
from holdfast.store.request import Answer
from holdfast.store.tokens import records as token_records

MOVES_KEY = "moves"
MAX_REMEMBERED_MOVES = 100
AUTH = "auth/"
_NOT_THERE = "from: expected the path of a mount"


class Move(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A move that was made. Fields are only ever appended: their order is the record format.

    Attributes:
        id: what whoever asked for it knows it by.
        source: the old path, with ``auth/`` in front for an auth method.
        target: the new one.
    """

    id: str
    source: str
    target: str


_decode = msgspec.msgpack.Decoder(tuple[Move, ...]).decode


def load_moves(view: Reader) -> tuple[Move, ...]:
    """Return the latest moves, from the place of mount tables."""
    record = view.get(MOVES_KEY)
    return () if record is None else _decode(record)


class MoveMount(Command, frozen=True, kw_only=True):
    """Move a mount, with all that it stores. Tokens from an auth method's old path end."""

    shared: ClassVar[bool] = True
    move: Move

    def run(self, scope: Scope) -> Answer:
        """Replace the path in the table and remember that it was done, in one transaction."""
        move = self.move
        if move.source.startswith(AUTH):
            _move_auth(scope, move)
        else:
            _move_secrets(scope, move)
        view = scope.view(MOUNTS)
        moves = (*load_moves(view), move)[-MAX_REMEMBERED_MOVES:]
        view.put(MOVES_KEY, msgspec.msgpack.encode(moves))
        return Answer(data=encode({"migration_id": move.id}), flat=True)


def _move_secrets(scope: Scope, move: Move) -> None:
    table = scope.mounts()
    mount = table.find(move.source)
    if mount is None or mount.path != move.source:
        raise InvalidInputError(_NOT_THERE)
    if mount.path in BUILT_IN_PATHS:
        raise InvalidInputError(f'cannot remount "{mount.path}"')
    scope.refuse_where_namespace_is(move.target)
    moved = msgspec.structs.replace(mount, path=move.target)
    save_mounts(scope.view(MOUNTS), table.without(mount.path).with_mount(moved))


def _move_auth(scope: Scope, move: Move) -> None:
    view = scope.view(MOUNTS)
    table = load_auth_mounts(view)
    mount = table.at(move.source.removeprefix(AUTH))
    if mount is None:
        raise InvalidInputError(_NOT_THERE)
    moved = msgspec.structs.replace(mount, path=move.target.removeprefix(AUTH), moved_at=scope.now)
    save_auth_mounts(view, table.without(mount.uuid).with_mount(moved))
    tokens = scope.view(TOKENS)
    for token_hash in [token_hash for _, token_hash, _ in leases_below(tokens, scope.hasher, move.source)]:
        token_records.revoke(tokens, scope.hasher, token_hash)
