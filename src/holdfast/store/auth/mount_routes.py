"""``sys/auth/...``: which auth method is mounted where, and how its mount is tuned."""

from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.store import fields, mount_notes
from holdfast.store.auth.methods import METHODS
from holdfast.store.auth.mount_commands import DisableAuth, EnableAuth, TuneAuth
from holdfast.store.auth.mounts import TOKEN_MOUNT, TOKEN_PATH, AuthMount, new_auth_mount, with_tuning
from holdfast.store.caller import Caller
from holdfast.store.command import Command
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS
from holdfast.store.visit import Visit


def describe_auth_mounts(visit: Visit, caller: Caller | None = None) -> dict[str, Any]:
    """Return auth mounts by path; with a caller, only those that he may touch or anybody may see."""
    return {
        mount.path: _describe(mount)
        for mount in (TOKEN_MOUNT, *visit.store.auth_mounts.mounts)
        if caller is None
        or mount.listing_visibility == "unauth"
        or caller.acl.may_touch_below(f"auth/{mount.path}")
    }


def describe_auth_mount_of(visit: Visit, path: str) -> dict[str, Any] | None:
    """Return the mount that a path such as ``auth/kubernetes/role/x`` is for, if the caller may touch it."""
    mount = visit.store.auth_mounts.find(path)
    if path.startswith(f"auth/{TOKEN_PATH}"):
        mount = TOKEN_MOUNT
    if mount is None or not visit.caller.acl.may_touch_below(f"auth/{mount.path}"):
        return None
    return {**_describe(mount), "path": f"auth/{mount.path}"}


def _list(visit: Visit) -> Answer:
    return Answer(data=encode(describe_auth_mounts(visit)), flat=True)


def _read(visit: Visit) -> Answer:
    return Answer(data=encode(_describe(_named(visit))), flat=True)


def _enable(visit: Visit) -> Command:
    values = visit.values
    kind = values.get("type") or values.get("plugin_name")
    if not isinstance(kind, str) or not kind:
        raise InvalidInputError("backend type must be specified as a string")
    if kind not in METHODS:
        raise InvalidInputError(f"plugin not found in the catalog: expected one of {', '.join(METHODS)}")
    config = fields.members(values, "config")
    mount = new_auth_mount(visit.argument, kind, description=fields.text(values, "description"))
    said = mount_notes.said_at_birth(values, config)
    return EnableAuth(mount=with_tuning(mount, **{**_tuning(config), "notes": _without_own(said)}))


def _disable(visit: Visit) -> Command:
    path = visit.argument.strip("/") + "/"
    if path == TOKEN_PATH:
        raise InvalidInputError("token credential backend cannot be disabled")
    return DisableAuth(path=path)


def _read_tuning(visit: Visit) -> Answer:
    mount = _named(visit)
    default = SYSTEM_MAX_TTL_SECONDS
    if mount is not TOKEN_MOUNT:
        default = min(METHODS[mount.type].defaults.ttl_seconds, mount.max_seconds)
    data = {
        "description": mount.description,
        "default_lease_ttl": mount.default_ttl_seconds or default,
        "max_lease_ttl": mount.max_seconds,
        "token_type": _token_type(mount),
        **mount_notes.told_of_tuning(mount.notes),
    }
    if mount.listing_visibility:
        data["listing_visibility"] = mount.listing_visibility
    return Answer(data=encode(data), flat=True)


def _tune(visit: Visit) -> Command:
    values, mount = visit.values, _named(visit)
    if mount is TOKEN_MOUNT:
        raise InvalidInputError("token/: expected the path of another mount; this one cannot be tuned")
    tuning = _tuning(values)
    if "description" in values:
        tuning["description"] = fields.text(values, "description")
    with_tuning(mount, **tuning)
    return TuneAuth(
        path=mount.path,
        description=tuning.get("description"),
        default_ttl_seconds=tuning["default_seconds"],
        max_ttl_seconds=tuning["max_seconds"],
        token_type=tuning["token_type"],
        listing_visibility=tuning["listing_visibility"],
        notes=tuning["notes"],
    )


def _tuning(values: dict[str, Any]) -> dict[str, Any]:
    token_type = fields.text(values, "token_type") if "token_type" in values else None
    visibility = fields.text(values, "listing_visibility") if "listing_visibility" in values else None
    return {
        "default_seconds": _lease_ttl(values, "default_lease_ttl"),
        "max_seconds": _lease_ttl(values, "max_lease_ttl"),
        "token_type": token_type,
        "listing_visibility": visibility,
        "notes": _without_own(mount_notes.said_of(values)),
    }


def _without_own(said: dict[str, Any]) -> dict[str, Any]:
    """Leave out what an auth mount has a member of its own for."""
    return {name: value for name, value in said.items() if name != mount_notes.VISIBILITY}


def _lease_ttl(values: dict[str, Any], name: str) -> int | None:
    if values.get(name, "") == "":  # how clients leave it as it is
        return None
    return 0 if values[name] == "system" else fields.seconds(values, name)


def _named(visit: Visit) -> AuthMount:
    path = visit.argument.strip("/") + "/"
    mount = TOKEN_MOUNT if path == TOKEN_PATH else visit.store.auth_mounts.at(path)
    if mount is None:
        raise InvalidInputError("No auth engine at this path: expected the path of an auth mount")
    return mount


def _token_type(mount: AuthMount) -> str:
    return mount.token_type or METHODS[mount.type].defaults.token_type


def _describe(mount: AuthMount) -> dict[str, Any]:
    config: dict[str, Any] = {
        "default_lease_ttl": mount.default_ttl_seconds,
        "max_lease_ttl": mount.max_ttl_seconds,
        "token_type": _token_type(mount),
        **mount_notes.told_of_tuning(mount.notes),
    }
    if mount.listing_visibility:
        config["listing_visibility"] = mount.listing_visibility
    return {
        "type": mount.type,
        "description": mount.description,
        "accessor": mount.accessor,
        "uuid": mount.uuid,
        "options": None,
        **mount_notes.told(mount.notes),
        "running_plugin_version": "",
        "running_sha256": "",
        "deprecation_status": "supported",
        "config": config,
    }


# The second spelling of tuning is what the clients of Vault send.
AUTH_MOUNT_ROUTES = (
    Route("sys/auth", Operation.READ, _list),
    Route("sys/auth/{}", Operation.READ, _read, sudo=True),
    Route("sys/auth/{}", Operation.WRITE, _enable, sudo=True),
    Route("sys/auth/{}", Operation.DELETE, _disable, sudo=True),
    Route("sys/auth/{}/tune", Operation.READ, _read_tuning, sudo=True),
    Route("sys/auth/{}/tune", Operation.WRITE, _tune, sudo=True),
    Route("sys/mounts/auth/{}/tune", Operation.READ, _read_tuning),
    Route("sys/mounts/auth/{}/tune", Operation.WRITE, _tune),
)
