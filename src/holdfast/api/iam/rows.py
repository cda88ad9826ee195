"""The table of the IAM API: which method on which path is which operation, and how its answer looks.

``<>`` stands for one segment. The store's path is the same below its own prefix.
"""

from dataclasses import dataclass

from holdfast.api.iam import render
from holdfast.api.iam.render import Render
from holdfast.errors import NotFoundError
from holdfast.http.wrong_method import WrongMethodError
from holdfast.store.request import Operation


@dataclass(frozen=True, slots=True)
class Row:
    """What one method on a path does.

    Attributes:
        operation: what the store is asked.
        status: of an answer that is no refusal.
        show: how its facts look; ``None`` where there is nothing to show.
    """

    operation: Operation
    status: int
    show: Render | None = None


def _shown(show: Render) -> Row:
    return Row(Operation.READ, 200, show)


_MADE = Row(Operation.WRITE, 201)
_CHANGED = Row(Operation.PATCH, 204)
_REMOVED = Row(Operation.DELETE, 204)
_PUT_IN = Row(Operation.WRITE, 204)
_THING = {"PUT": _MADE, "PATCH": _CHANGED, "DELETE": _REMOVED}
_PERMISSION = {"GET": _shown(render.as_it_is), "PUT": _PUT_IN, "DELETE": _REMOVED}

ROWS: dict[str, dict[str, Row]] = {
    "users": {"GET": _shown(render.users)},
    "users/<>": {"GET": _shown(render.user), **_THING},
    "users/<>/groups": {"GET": _shown(render.groups_of_user)},
    "users/<>/permissions": {"GET": _shown(render.permissions_of_user)},
    "users/<>/tokens": {"DELETE": _REMOVED},  # ours: end every token of the user
    "groups": {"GET": _shown(render.groups)},
    "groups/<>": {"GET": _shown(render.group), **_THING},
    "groups/<>/users": {"GET": _shown(render.members_of_group)},
    "groups/<>/users/<>": {"PUT": _PUT_IN, "DELETE": _REMOVED},
    "groups/<>/permissions": {"GET": _shown(render.permissions_of_group)},
    "acls": {"GET": _shown(render.acls)},
    "acls/<>": {"GET": _shown(render.acl), **_THING},
    "acls/<>/permissions": {"GET": _shown(render.permissions_on_acl)},
    "acls/<>/users/<>/<>": _PERMISSION,
    "acls/<>/groups/<>/<>": _PERMISSION,
    "auth/keys": {"PUT": _PUT_IN},  # ours: sign with a new key
}

_SPLIT = [(tuple(pattern.split("/")), methods) for pattern, methods in ROWS.items()]


def find_row(method: str, segments: tuple[str, ...]) -> Row:
    """Return the row for a request.

    Raises:
        NotFoundError: there is no such path.
        WrongMethodError: the path does not know the method.
    """
    for pattern, methods in _SPLIT:
        if len(pattern) == len(segments) and all(
            want in {"<>", have} for want, have in zip(pattern, segments, strict=True)
        ):
            if method not in methods:
                raise WrongMethodError(methods)
            return methods[method]
    raise NotFoundError("no such endpoint")
