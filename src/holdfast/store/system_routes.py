"""``sys/...`` for a caller with a token: mounts, policies, capabilities, the state of the keys."""

import base64
from typing import Any

from holdfast.clock import rfc3339
from holdfast.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from holdfast.formats.strict_json import encode
from holdfast.policy.acl import Capability
from holdfast.policy.path_rules import PathRules
from holdfast.store import fields, mount_notes
from holdfast.store.audit.routes import AUDIT_ROUTES
from holdfast.store.auth.mount_routes import (
    AUTH_MOUNT_ROUTES,
    describe_auth_mount_of,
    describe_auth_mounts,
)
from holdfast.store.ceremonies.routes import CEREMONY_ROUTES
from holdfast.store.command import Command
from holdfast.store.description import openapi
from holdfast.store.description.path_help import HELP, explain_path
from holdfast.store.explain import explain
from holdfast.store.host_info import HOST_ROUTES
from holdfast.store.iam.routes import IAM_ROUTES
from holdfast.store.identity.routes import IDENTITY_ROUTES
from holdfast.store.keeper_commands import DealShares, RotateKeyring, SealStore
from holdfast.store.key_rotation import KEY_ROTATION_ROUTES
from holdfast.store.kv.across_mounts import KV_ROUTES
from holdfast.store.layout import CONFIG, POLICIES, TOKENS
from holdfast.store.leases.routes import LEASE_ROUTES
from holdfast.store.metrics.routes import METRICS_ROUTES
from holdfast.store.mounts import BUILT_IN_PATHS, Mount, wants_upgrade, with_said, with_ttls
from holdfast.store.namespaces.routes import NAMESPACE_ROUTES, UI_NAMESPACES
from holdfast.store.open_store import KEPT_ROOT_TOKEN
from holdfast.store.policy_records import fold_name, list_policies, load_policy_text
from holdfast.store.quotas.routes import QUOTA_ROUTES
from holdfast.store.remount.routes import REMOUNT_ROUTES
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Route, RouteTable
from holdfast.store.secrets_engines import new_mount
from holdfast.store.standing_routes import STANDING_ROUTES
from holdfast.store.system_commands import AddMount, DeletePolicy, RemoveMount, SavePolicy, TuneMount
from holdfast.store.tokens.batch import is_batch_token
from holdfast.store.tokens.records import SYSTEM_MAX_TTL_SECONDS, load_live
from holdfast.store.tokens.routes import TOKEN_ROUTES, live_by_accessor
from holdfast.store.tools import TOOL_ROUTES
from holdfast.store.version_history import VERSION_ROUTES
from holdfast.store.visit import Visit
from holdfast.store.wrapping.routes import WRAPPING_ROUTES

OPENAPI = "sys/internal/specs/openapi"
UI_MOUNT = "sys/internal/ui/mounts/"


def _seal(visit: Visit) -> Command:
    return SealStore(this_node=visit.request.parameter("this_node") == "true")


def _read_first_root_token(visit: Visit) -> Answer:
    """Show the first root token, if the configuration had it kept."""
    kept = visit.store.view(CONFIG).get(KEPT_ROOT_TOKEN)
    return Answer(missing=True) if kept is None else Answer(data=encode({"root_token": kept.decode()}))


def _deal_shares(visit: Visit) -> Command:
    return DealShares(
        shares=fields.integer(visit.values, "shares"),
        threshold=fields.integer(visit.values, "threshold"),
        pgp_keys=fields.words(visit.values, "pgp_keys"),
    )


def _rotate(_visit: Visit) -> Command:
    return RotateKeyring()


def _key_status(visit: Visit) -> Answer:
    keyring = visit.store.keyring
    return Answer(
        data=encode(
            {
                "term": keyring.active_term,
                "install_time": rfc3339(keyring.installed_at),
                "encryptions": keyring.reserved,
            }
        ),
        flat=True,
    )


def _list_mounts(visit: Visit) -> Answer:
    # A caller who may only read below sys/mounts/ sees the mounts that his policies reach.
    acl, everything = visit.caller.acl, visit.caller.decide("sys/mounts", Capability.READ)
    mounts = [mount for mount in visit.store.mounts.mounts if everything or acl.may_touch_below(mount.path)]
    return Answer(data=encode({mount.path: _describe_mount(mount) for mount in mounts}), flat=True)


def _read_mount(visit: Visit) -> Answer:
    return Answer(data=encode(_describe_mount(_named_mount(visit))), flat=True)


def _read_tuning(visit: Visit) -> Answer:
    mount = _named_mount(visit)
    data: dict[str, Any] = {
        "description": mount.description,
        "default_lease_ttl": mount.default_ttl_seconds or SYSTEM_MAX_TTL_SECONDS,
        "max_lease_ttl": mount.max_ttl_seconds or SYSTEM_MAX_TTL_SECONDS,
        "options": mount.options or None,
        **mount_notes.told_of_tuning(mount.notes),
    }
    return Answer(data=encode(data), flat=True)


def _named_mount(visit: Visit) -> Mount:
    path = visit.argument.rstrip("/") + "/"
    mount = visit.store.mounts.find(path)
    if mount is None or mount.path != path:
        raise InvalidInputError("No secret engine mount at this path: expected the path of a mount")
    return mount


def _add_mount(visit: Visit) -> Command:
    values = visit.values
    kind = values.get("type")
    if not isinstance(kind, str) or not kind:
        raise InvalidInputError("backend type must be specified as a string")
    mount = new_mount(
        visit.argument,
        kind=kind,
        description=fields.text(values, "description"),
        options=values.get("options"),
    )
    config = fields.members(values, "config")
    mount = with_said(mount, mount_notes.said_at_birth(values, config))
    return AddMount(
        mount=with_ttls(
            mount,
            default_seconds=_lease_ttl(config, "default_lease_ttl"),
            max_seconds=_lease_ttl(config, "max_lease_ttl"),
        )
    )


def _remove_mount(visit: Visit) -> Command:
    path = visit.argument.rstrip("/") + "/"
    if path in BUILT_IN_PATHS:
        raise InvalidInputError(f'cannot unmount "{path}"')
    return RemoveMount(path=path, unless_used=visit.request.parameter("unless_used") == "true")


def _tune_mount(visit: Visit) -> Command:
    values = visit.values
    mount = _named_mount(visit)
    upgrade = wants_upgrade(mount, values.get("options"))
    return TuneMount(
        path=mount.path,
        description=fields.text(values, "description") if "description" in values else None,
        default_ttl_seconds=_lease_ttl(values, "default_lease_ttl"),
        max_ttl_seconds=_lease_ttl(values, "max_lease_ttl"),
        upgrade=upgrade,
        notes=mount_notes.said_of(values),
    )


def _lease_ttl(values: dict[str, Any], name: str) -> int | None:
    """Return a TTL that a mount shall have in seconds: 0 for the system's, ``None`` if it is not given."""
    if values.get(name, "") == "":  # how clients leave it as it is
        return None
    return 0 if values[name] == "system" else fields.seconds(values, name)


def _ui_mounts(visit: Visit) -> Answer:
    if not visit.request.token:
        return Answer(data=encode(_for_anybody(visit)))
    acl = visit.caller.acl
    secret = {
        mount.path: _describe_mount(mount)
        for mount in visit.store.mounts.mounts
        if acl.may_touch_below(mount.path) or mount.notes.get(mount_notes.VISIBILITY) == "unauth"
    }
    return Answer(data=encode({"secret": secret, "auth": describe_auth_mounts(visit, visit.caller)}))


def _for_anybody(visit: Visit) -> dict[str, Any]:
    """Return what anybody may know of the mounts that anybody may see: enough to draw a page for a login."""
    auth = describe_auth_mounts(visit, visit.caller)
    secret = {
        mount.path: _describe_mount(mount)
        for mount in visit.store.mounts.mounts
        if mount.notes.get(mount_notes.VISIBILITY) == "unauth"
    }
    brief = ("type", "description", "options")
    return {
        kind: {path: {name: mount[name] for name in brief} for path, mount in mounts.items()}
        for kind, mounts in (("secret", secret), ("auth", auth))
    }


def _ui_mount(visit: Visit) -> Answer:
    """Say what is mounted at a path. Unknown and forbidden mounts read the same: names cannot be probed."""
    between = visit.request.between
    if auth_mount := describe_auth_mount_of(visit, visit.argument.rstrip("/") + "/"):
        return Answer(data=encode({**auth_mount, "path": between + auth_mount["path"]}))
    mount = visit.store.mounts.find(visit.argument.rstrip("/") + "/")
    if mount is None or not visit.caller.acl.may_touch_below(mount.path):
        raise PermissionDeniedError(
            "preflight capability check returned 403, please ensure client's policies grant access to path "
            f'"{between}{visit.argument.rstrip("/")}/"'
        )
    return Answer(data=encode({**_describe_mount(mount), "path": between + mount.path}))


def _describe_mount(mount: Mount) -> dict[str, Any]:
    return {
        "type": mount.type,
        "description": mount.description,
        "accessor": mount.accessor,
        "uuid": mount.uuid,
        "options": mount.options or None,
        **mount_notes.told(mount.notes),
        "running_plugin_version": "",
        "running_sha256": "",
        "deprecation_status": "",
        "config": {
            "default_lease_ttl": mount.default_ttl_seconds,
            "max_lease_ttl": mount.max_ttl_seconds,
            **mount_notes.told_of_tuning(mount.notes),
        },
    }


def _openapi(visit: Visit) -> Answer:
    return openapi.describe(visit, (SYSTEM_ROUTES, TOKEN_ROUTES, IDENTITY_ROUTES))


def _explain_path(visit: Visit) -> Answer:
    return explain_path(_openapi(visit), visit.argument)


def _list_policies(visit: Visit) -> Answer:
    names = _policy_names(visit)
    return Answer(data=encode({"keys": names}), flat=True)


def _list_policies_old(visit: Visit) -> Answer:
    names = _policy_names(visit)
    return Answer(data=encode({"keys": names, "policies": names}), flat=True)


def _policy_names(visit: Visit) -> list[str]:
    return list_policies(visit.view(POLICIES), with_root=not visit.store.namespace.path)


def _read_policy(visit: Visit) -> Answer:
    name = fold_name(visit.argument)
    return Answer(data=encode({"name": name, "policy": _policy_text(visit, name)}), flat=True)


def _read_policy_old(visit: Visit) -> Answer:
    name = fold_name(visit.argument)
    return Answer(data=encode({"name": name, "rules": _policy_text(visit, name)}), flat=True)


def _policy_text(visit: Visit, name: str) -> str:
    if name == "root" and not visit.store.namespace.path:
        return ""
    text = load_policy_text(visit.view(POLICIES), name)
    if text is None:
        raise NotFoundError("no policy has this name")
    return text


def _save_policy(visit: Visit) -> Command:
    name = fold_name(visit.argument)
    if name != visit.argument:
        visit.warnings.append("policy name was converted to lowercase")
    text = fields.text(visit.values, "policy") or fields.text(visit.values, "rules")
    return SavePolicy(name=name, text=_without_base64(text))


def _without_base64(text: str) -> str:
    """Return the text of a policy, which some clients send in base64; no text with a rule looks like that."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text


def _delete_policy(visit: Visit) -> Command:
    return DeletePolicy(name=fold_name(visit.argument))


def _capabilities_self(visit: Visit) -> Answer:
    return _capabilities(visit, visit.caller.acl)


def _capabilities_of_token(visit: Visit) -> Answer:
    token = fields.required_text(visit.values, "token")
    if is_batch_token(token):
        return _capabilities(visit, visit.store.authenticate(token, visit.now).acl)
    entry = load_live(visit.view(TOKENS), visit.store.hasher.token(token), now=visit.now)
    if entry is None:
        raise InvalidInputError("invalid token")
    return _capabilities(visit, visit.store.acl_of(entry))


def _capabilities_of_accessor(visit: Visit) -> Answer:
    entry = live_by_accessor(visit)[1]
    return _capabilities(visit, visit.store.acl_of(entry))


def _capabilities(visit: Visit, acl: PathRules) -> Answer:
    paths = fields.words(visit.values, "paths") or fields.words(visit.values, "path")
    if not paths:
        raise InvalidInputError("paths: expected at least one path")
    data = {path: list(acl.capabilities(path.removeprefix("/"))) for path in paths}
    if len(paths) == 1:
        data["capabilities"] = data[paths[0]]
    return Answer(data=encode(data), flat=True)


def _explain(visit: Visit) -> Answer:
    return explain(visit, (SYSTEM_ROUTES, TOKEN_ROUTES, IDENTITY_ROUTES, IAM_ROUTES))


SYSTEM_ROUTES = RouteTable(
    (
        Route("sys/policies/explain", Operation.WRITE, _explain),
        Route("sys/seal", Operation.WRITE, _seal, sudo=True),
        Route("sys/first-root-token", Operation.READ, _read_first_root_token, superuser=True),
        Route("sys/shares", Operation.WRITE, _deal_shares, superuser=True),
        Route("sys/rotate", Operation.WRITE, _rotate, sudo=True),
        Route("sys/rotate/keyring", Operation.WRITE, _rotate, sudo=True),
        Route("sys/key-status", Operation.READ, _key_status),
        Route("sys/mounts", Operation.READ, _list_mounts),
        Route("sys/mounts/{}", Operation.READ, _read_mount),
        Route("sys/mounts/{}", Operation.WRITE, _add_mount),
        Route("sys/mounts/{}", Operation.DELETE, _remove_mount),
        Route("sys/mounts/{}/tune", Operation.READ, _read_tuning),
        Route("sys/mounts/{}/tune", Operation.WRITE, _tune_mount),
        *AUTH_MOUNT_ROUTES,
        Route("sys/internal/ui/mounts", Operation.READ, _ui_mounts, without_token=True),
        Route("sys/internal/ui/mounts/{}", Operation.READ, _ui_mount),
        Route(OPENAPI, Operation.READ, _openapi),
        Route(f"{HELP}{{}}", Operation.READ, _explain_path),
        Route("sys/policies/acl", Operation.READ, _list_policies),
        Route("sys/policies/acl", Operation.LIST, _list_policies),
        Route("sys/policies/acl/{}", Operation.READ, _read_policy),
        Route("sys/policies/acl/{}", Operation.WRITE, _save_policy),
        Route("sys/policies/acl/{}", Operation.DELETE, _delete_policy),
        Route("sys/policy", Operation.READ, _list_policies_old),
        Route("sys/policy", Operation.LIST, _list_policies_old),
        Route("sys/policy/{}", Operation.READ, _read_policy_old),
        Route("sys/policy/{}", Operation.WRITE, _save_policy),
        Route("sys/policy/{}", Operation.DELETE, _delete_policy),
        Route("sys/capabilities-self", Operation.WRITE, _capabilities_self),
        Route("sys/capabilities", Operation.WRITE, _capabilities_of_token),
        Route("sys/capabilities-accessor", Operation.WRITE, _capabilities_of_accessor),
        *AUDIT_ROUTES,
        *CEREMONY_ROUTES,
        *WRAPPING_ROUTES,
        *LEASE_ROUTES,
        *NAMESPACE_ROUTES,
        *REMOUNT_ROUTES,
        *KEY_ROTATION_ROUTES,
        *VERSION_ROUTES,
        *METRICS_ROUTES,
        *HOST_ROUTES,
        *QUOTA_ROUTES,
        *STANDING_ROUTES,
        *TOOL_ROUTES,
        *KV_ROUTES,
    )
)

# Any caller with a live token may ask these; each decides by itself what that caller gets to see.
SELF_GUARDED = frozenset({"sys/internal/ui/mounts", UI_NAMESPACES, "sys/mounts", OPENAPI, f"{HELP}{{}}"})
