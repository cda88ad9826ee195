"""``sys/remount``: move a mount, and say what became of a move."""

from holdfast.crypto.identifiers import new_uuid
from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.formats.strict_json import encode
from holdfast.model import parse_path
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.layout import MOUNTS
from holdfast.store.remount.commands import AUTH, Move, MoveMount, load_moves
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.visit import Visit


def _remount(visit: Visit) -> Command:
    source, target = _path(visit, "from"), _path(visit, "to")
    if source.startswith(AUTH) != target.startswith(AUTH):
        raise InvalidInputError("to: expected a path below auth/ for an auth method, and only for one")
    if source in {AUTH, f"{AUTH}token/"} or target == AUTH:
        raise InvalidInputError(f'cannot remount "{AUTH}" or "{AUTH}token/"')
    if source == target:
        raise InvalidInputError("to: expected another path than that in from")
    return MoveMount(move=Move(new_uuid(), source, target))


def _path(visit: Visit, name: str) -> str:
    path = parse_path(fields.required_text(visit.values, name), field=name).as_directory().text
    if not path:
        raise InvalidInputError(f"{name}: expected the path of a mount")
    return path


def _status(visit: Visit) -> Answer:
    """Tell of a move: what is known of is done, because moves are done at once."""
    moves = load_moves(visit.view(MOUNTS))
    move = next((move for move in moves if move.id == visit.argument), None)
    if move is None:
        raise NotFoundError("no move has this id, or it was long ago")
    info = {"source_mount": move.source, "target_mount": move.target, "status": "success"}
    return Answer(data=encode({"migration_id": move.id, "migration_info": info}))


REMOUNT_ROUTES = (
    Route("sys/remount", Operation.WRITE, _remount, sudo=True),
    Route("sys/remount/status/{}", Operation.READ, _status),
)
