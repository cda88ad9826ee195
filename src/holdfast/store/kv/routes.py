"""Requests below a secrets mount, as KV version 1 or 2 understands them.

A read is answered here, from the newest committed state; a change becomes a command. What a path below
the mount means follows the KV part of the Vault HTTP API.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from holdfast.engines import kv1, kv2
from holdfast.engines.errors import SecretNotFoundError
from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.formats.strict_json import JsonObject
from holdfast.store import fields
from holdfast.store.command import Command
from holdfast.store.kv.commands import (
    Kv1Delete,
    Kv1Write,
    Kv2DeleteCurrent,
    Kv2DeleteVersions,
    Kv2DestroyVersions,
    Kv2Erase,
    Kv2Patch,
    Kv2PatchMetadata,
    Kv2UndeleteVersions,
    Kv2Write,
    Kv2WriteConfig,
    Kv2WriteMetadata,
)
from holdfast.store.kv.listing import list_secrets, list_with_metadata
from holdfast.store.mount_visit import MountVisit
from holdfast.store.mounts import Mount
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Stepwise
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS

MAX_DIGITS = 9
NOT_A_PATH = (
    "Invalid path for a versioned K/V secrets engine. "
    "See the API docs for the appropriate API endpoints to use."
)
AT_THE_ROOT = "Non-listing operations on the root of a K/V v2 mount are not supported."


def serve_kv(visit: MountVisit) -> Answer | Command | Stepwise:
    """Answer a request below a KV mount, or return the command that will."""
    return _serve_v2(visit) if visit.mount.is_versioned else _serve_v1(visit)


def read_kv(visit: MountVisit) -> Answer:
    """Answer a read below a KV mount.

    Raises:
        UnsupportedError: there is nothing to read at the path.
    """
    answer = serve_kv(visit)
    if not isinstance(answer, Answer):
        raise UnsupportedError("unsupported operation")
    return answer


def _serve_v1(visit: MountVisit) -> Answer | Command | Stepwise:
    operation, mount, path = visit.request.operation, visit.mount.uuid, visit.mounted.path
    if operation in {Operation.LIST, Operation.SCAN}:
        return list_secrets(visit, path)
    if not path:
        raise UnsupportedError("unsupported operation")
    if operation is Operation.READ:
        return _read_v1(visit)
    if operation is Operation.WRITE:
        payload = visit.check_size(visit.body.raw.strip())
        return Kv1Write(mount=mount, path=path, payload=payload, permit=visit.permit)
    if operation is Operation.DELETE:
        return Kv1Delete(mount=mount, path=path)
    raise UnsupportedError("unsupported operation")


def _read_v1(visit: MountVisit) -> Answer:
    try:
        payload = kv1.read(visit.view, visit.mounted.path)
    except SecretNotFoundError:
        return Answer(missing=True)
    default = visit.mount.default_ttl_seconds or SYSTEM_MAX_TTL_SECONDS
    return Answer(data=payload, lease_seconds=kv1.lease_seconds(payload, default=default))


def _serve_v2(visit: MountVisit) -> Answer | Command | Stepwise:
    section, slash, name = visit.mounted.path.partition("/")
    if section == "config" and not name:
        handler = _CONFIG.get(visit.request.operation)
    elif not slash or section not in _SECTIONS:
        is_root = not section or (not name and section in _SECTIONS)
        return Answer(missing=True, warnings=(AT_THE_ROOT if is_root else NOT_A_PATH,))
    else:
        handler = _SECTIONS[section].get(visit.request.operation)
    if handler is None:
        raise UnsupportedError("unsupported operation")
    return handler(visit, name)


def _read(visit: MountVisit, path: str) -> Answer:
    now, wanted = visit.now, visit.request.query and visit.request.parameter("version")
    try:
        if wanted:
            # An older version takes two reads, and a write between them may have moved it.
            with visit.snapshot() as view:
                version = kv2.read(view, path, now=now, version=_number(wanted))
        else:
            version = kv2.read(visit.view, path, now=now)
    except SecretNotFoundError:
        return Answer(missing=True)
    return _version_answer(version)


def _version_answer(version: kv2.Version) -> Answer:
    return Answer(data=version.payload, metadata=version.metadata_json, missing=version.payload is None)


def _read_subkeys(visit: MountVisit, path: str) -> Answer:
    try:
        with visit.snapshot() as view:
            version = kv2.read_subkeys(
                view,
                path,
                now=visit.now,
                version=_number(visit.request.parameter("version") or "0"),
                depth=_number(visit.request.parameter("depth") or "0", field="depth"),
            )
    except SecretNotFoundError:
        return Answer(missing=True)
    shape = version.payload or b"null"
    return Answer(
        data=b'{"subkeys":%b,"metadata":%b}' % (shape, version.metadata_json), missing=version.payload is None
    )


def _write(visit: MountVisit, path: str) -> Command:
    return Kv2Write(
        mount=visit.mount.uuid,
        path=_named(path),
        payload=_data(visit),
        permit=visit.permit,
        cas=_cas(visit.body),
        precondition=visit.request.precondition,
    )


def _patch(visit: MountVisit, path: str) -> Command:
    return Kv2Patch(mount=visit.mount.uuid, path=_named(path), changes=_data(visit), cas=_cas(visit.body))


def _data(visit: MountVisit) -> bytes | None:
    data = visit.body.values.get("data")
    if data is None:
        return None
    if not isinstance(data, dict):
        raise InvalidInputError("data: expected a JSON object")
    return visit.check_size(visit.body.fragment("data"))


def _cas(body: JsonObject) -> int | None:
    options = body.values.get("options")
    if options is None:
        return None
    if not isinstance(options, dict):
        raise InvalidInputError("options: expected a JSON object")
    return fields.integer(options, "cas") if options.get("cas") is not None else None


def _delete(visit: MountVisit, path: str) -> Command:
    must_exist = visit.request.precondition is kv2.Precondition.MUST_EXIST
    return Kv2DeleteCurrent(mount=visit.mount.uuid, path=_named(path), must_exist=must_exist)


def _delete_versions(visit: MountVisit, path: str) -> Command:
    _require_update(visit)
    return Kv2DeleteVersions(mount=visit.mount.uuid, path=_named(path), versions=_versions(visit))


def _undelete_versions(visit: MountVisit, path: str) -> Command:
    _require_update(visit)
    return Kv2UndeleteVersions(mount=visit.mount.uuid, path=_named(path), versions=_versions(visit))


def _destroy_versions(visit: MountVisit, path: str) -> Command:
    _require_update(visit)
    return Kv2DestroyVersions(mount=visit.mount.uuid, path=_named(path), versions=_versions(visit))


def _read_metadata(visit: MountVisit, path: str) -> Answer:
    try:
        return Answer(data=kv2.read_metadata(visit.view, path))
    except SecretNotFoundError:
        return Answer(missing=True)


def _write_metadata(visit: MountVisit, path: str) -> Command:
    return Kv2WriteMetadata(
        mount=visit.mount.uuid, path=_named(path), change=_metadata_change(visit), permit=visit.permit
    )


def _patch_metadata(visit: MountVisit, path: str) -> Command:
    return Kv2PatchMetadata(mount=visit.mount.uuid, path=_named(path), change=_metadata_change(visit))


def _metadata_change(visit: MountVisit) -> kv2.MetadataChange:
    values = visit.body.values
    notes = values.get("custom_metadata", msgspec.UNSET)
    if isinstance(notes, dict):
        if any(not isinstance(note, str | None) for note in notes.values()):
            raise InvalidInputError("custom_metadata validation failed: expected strings")
    elif notes is not None and notes is not msgspec.UNSET:
        raise InvalidInputError("custom_metadata: expected an object of strings")
    return kv2.MetadataChange(
        max_versions=_given(values, "max_versions", fields.integer),
        cas_required=_given(values, "cas_required", fields.boolean),
        delete_version_after=_given(values, "delete_version_after", fields.seconds),
        custom_metadata=notes,
        metadata_cas_required=_given(values, "metadata_cas_required", fields.boolean),
        metadata_cas=_given(values, "metadata_cas", fields.integer),
    )


def _erase(visit: MountVisit, path: str) -> Command:
    return Kv2Erase(mount=visit.mount.uuid, path=_named(path))


def _read_config(visit: MountVisit, _path: str) -> Answer:
    return Answer(data=kv2.read_config(visit.view).to_json())


def _write_config(visit: MountVisit, _path: str) -> Command:
    _require_update(visit)
    values = visit.body.values
    delay = values.get("delete_version_after")
    never = (isinstance(delay, str) and delay.startswith("-")) or (isinstance(delay, int) and delay < 0)
    return Kv2WriteConfig(
        mount=visit.mount.uuid,
        max_versions=fields.integer(values, "max_versions") if "max_versions" in values else None,
        cas_required=fields.boolean(values, "cas_required") if "cas_required" in values else None,
        metadata_cas_required=fields.boolean(values, "metadata_cas_required")
        if "metadata_cas_required" in values
        else None,
        delete_version_after=None
        if delay is None
        else -1
        if never
        else fields.seconds(values, "delete_version_after"),
    )


def _require_update(visit: MountVisit) -> None:
    """Refuse somebody who may only create: what is asked for changes what is there."""
    visit.permit.check(exists=True)


def _given(values: dict[str, Any], name: str, read: Callable[..., Any]) -> Any:
    if name not in values:
        return msgspec.UNSET
    return None if values[name] is None else read(values, name)


def _versions(visit: MountVisit) -> tuple[int, ...]:
    return tuple(_number(word) for word in fields.words(visit.body.values, "versions"))


def _number(word: str, *, field: str = "version") -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= MAX_DIGITS):
        raise InvalidInputError(f"{field}: expected a number")
    return int(word)


def _named(path: str) -> str:
    if not path or path.endswith("/"):
        raise InvalidInputError("path: expected the name of a secret")
    return path


_Handler = Callable[[MountVisit, str], Answer | Command | Stepwise]

_CONFIG: dict[Operation, _Handler] = {Operation.READ: _read_config, Operation.WRITE: _write_config}
_SECTIONS: dict[str, dict[Operation, _Handler]] = {
    "data": {
        Operation.READ: _read,
        Operation.WRITE: _write,
        Operation.PATCH: _patch,
        Operation.DELETE: _delete,
    },
    "metadata": {
        Operation.READ: _read_metadata,
        Operation.WRITE: _write_metadata,
        Operation.PATCH: _patch_metadata,
        Operation.DELETE: _erase,
        Operation.LIST: list_secrets,
        Operation.SCAN: list_secrets,
    },
    "delete": {Operation.WRITE: _delete_versions},
    "undelete": {Operation.WRITE: _undelete_versions},
    "destroy": {Operation.WRITE: _destroy_versions},
    "subkeys": {Operation.READ: _read_subkeys},
    "detailed-metadata": {Operation.LIST: list_with_metadata},
}


def kv_paths(mount: Mount) -> Iterator[tuple[str, Operation]]:
    """Yield what there is to ask for below a mount, with a name for what is open in a path."""
    if not mount.is_versioned:
        for operation in (*_LISTINGS, Operation.READ, Operation.WRITE, Operation.DELETE):
            yield "{path}", operation
        return
    for operation in _CONFIG:
        yield "config", operation
    for section, handlers in _SECTIONS.items():
        for operation in handlers:
            yield f"{section}/{{path}}", operation


_LISTINGS = (Operation.LIST, Operation.SCAN)
