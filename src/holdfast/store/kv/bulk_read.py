"""``sys/kv/bulk-read``: many secrets of any key-value mounts in one request.

Any live token may ask: what it gets to see of each path is what a request for that path alone would show.
"""

from typing import Any

from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import parse_path
from holdfast.store import fields
from holdfast.store.bundle import MAX_READS, Bundle
from holdfast.store.request import Operation, StoreRequest
from holdfast.store.visit import Visit

_SHAPE = "paths: expected a list of paths, or of objects with path and version"


def bulk_read(visit: Visit) -> Bundle:
    """Return the reads that the body asks for, as GET requests would say them.

    Raises:
        InvalidInputError: there are none or too many, or the token or the answer cannot be shared out.
    """
    if visit.request.wrap_seconds:
        raise InvalidInputError(
            "X-Vault-Wrap-TTL: expected none, because many answers are not wrapped as one"
        )
    if visit.caller.entry.uses_left:
        raise InvalidInputError(
            "token: expected one without a limit of uses; with this one, read path by path"
        )
    wanted = _wanted(visit.values.get("paths"))
    return Bundle(
        tuple(
            (path, _read(visit.request, f"{visit.request.id}/{position}", path, version))
            for position, (path, version) in enumerate(wanted, start=1)
        )
    )


def _wanted(paths: Any) -> list[tuple[str, str]]:
    """Return each path that is asked for, with its version; both as they were sent."""
    if isinstance(paths, str):
        paths = list(fields.words({"paths": paths}, "paths"))
    if not isinstance(paths, list) or not paths:
        raise InvalidInputError(_SHAPE)
    if len(paths) > MAX_READS:
        raise InvalidInputError(f"paths: expected at most {MAX_READS}; ask for the others in another request")
    return [_path_and_version(item) for item in paths]


def _path_and_version(item: Any) -> tuple[str, str]:
    if isinstance(item, str):
        return item, ""
    if not isinstance(item, dict) or not isinstance(item.get("path"), str):
        raise InvalidInputError(_SHAPE)
    return item["path"], fields.text(item, "version")


def _read(request: StoreRequest, part_id: str, path: str, version: str) -> StoreRequest | HoldfastError:
    try:
        canonical = parse_path(path, collapse_slashes=True).text.rstrip("/")
    except InvalidInputError as error:
        return error
    return StoreRequest(
        id=part_id,
        operation=Operation.READ,
        path=canonical,
        token=request.token,
        query=(("version", version),) if version else (),
        peer=request.peer,
    )
