"""Which secrets a caller may name as the key of a volume: rules of an administrator, by prefix.

Naming a secret has the node fetch it with the node's own rights, which reach further than the caller's. So a
caller may name only what one of these allows:

    storage administrator       every secret
    the cluster-wide key        everybody who was authenticated
    a scope                     names below its prefix, in its namespace, for its users and groups

In a scope's prefix and namespace ``{user}`` stands for the caller's name and ``{group}`` for one of his
groups. Without any rule of an administrator there is one scope, ``own``: ``users/{user}`` for everybody. What
lies below ``holdfast/`` is the node's own, and no scope reaches it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from holdfast.errors import InvalidInputError
from holdfast.model import Principal, parse_path
from holdfast.policy.decision import Allowed, Decision, Denied
from holdfast.policy.ownership import is_storage_administrator

RESERVED = "holdfast"
CLUSTER_WIDE = "default"  # the name by which the original's tools ask for the cluster-wide key
USER, GROUP = "{user}", "{group}"
MAX_ENTRIES = 256

# What may stand in for {user} and {group}: one segment of a path that means nothing but itself.
_plain = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+=-]{0,127}").fullmatch
_name = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretScope:
    """One rule of an administrator.

    Attributes:
        name: what it is called.
        prefix: path that the secrets lie below; empty for all that are not the node's own.
        namespace: the provider's namespace that they lie in; empty for its default.
        users: who may name them ...
        groups: ... or is in one of these groups; without either, everybody who was authenticated.
    """

    name: str
    prefix: str
    namespace: str = ""
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise ``InvalidInputError`` for what cannot be, naming the field."""
        if not _name(self.name):
            raise InvalidInputError("name: expected lower-case letters, digits, dots, dashes, underscores")
        for field, path in (("prefix", self.prefix), ("namespace", self.namespace)):
            plain = path.replace(USER, "user").replace(GROUP, "group")
            if path and (path.startswith("/") or parse_path(plain, field=field).is_directory):
                raise InvalidInputError(f"{field}: expected no slash at its start or end")
            if "{" in plain or "}" in plain:
                raise InvalidInputError(f"{field}: expected no braces but {USER} and {GROUP}")
        if len(self.users) + len(self.groups) > MAX_ENTRIES or "" in {*self.users, *self.groups}:
            raise InvalidInputError(
                f"users, groups: expected at most {MAX_ENTRIES} names, none of them empty"
            )

    def places(self, principal: Principal) -> Iterator[tuple[str, str]]:
        """Yield each (prefix, namespace) that the scope opens to somebody."""
        if principal.is_guest or not self._is_for(principal):
            return
        groups = [group for group in principal.groups if not self.groups or group in self.groups]
        texts = (self.prefix, self.namespace)
        wants_group = any(GROUP in text for text in texts)
        if any(USER in text for text in texts) and not _plain(principal.name):
            return
        for group in filter(_plain, groups) if wants_group else ("",):
            prefix, namespace = (text.replace(USER, principal.name).replace(GROUP, group) for text in texts)
            yield prefix, namespace

    def _is_for(self, principal: Principal) -> bool:
        if not self.users and not self.groups:
            return True
        return principal.name in self.users or not set(self.groups).isdisjoint(principal.groups)


OWN = SecretScope(name="own", prefix="users/{user}")


def decide_secret(
    principal: Principal,
    name: str,
    namespace: str,
    scopes: Iterable[SecretScope],
    *,
    cluster_key: tuple[str, str] | None = None,
) -> Decision:
    """Decide whether somebody may name a secret.

    Args:
        principal: who asks, or the guest.
        name: path of the secret.
        namespace: the provider's namespace, as it was named.
        scopes: the administrator's rules.
        cluster_key: name and namespace of the cluster-wide key, if one is set.
    """
    if is_storage_administrator(principal):
        return Allowed("group *: storage administrator")
    if principal.is_guest:
        return Denied("guests name no secrets")
    if (name, namespace) == cluster_key:
        return Allowed("the cluster-wide key")
    # Anywhere in the path: a provider may take a name for the whole path, or for one below its base path.
    if RESERVED in name.split("/"):
        return Denied(f"secrets below {RESERVED}/ are the node's own")
    for scope in scopes:
        for prefix, where in scope.places(principal):
            if where == namespace and (not prefix or name.startswith(f"{prefix}/")):
                return Allowed(f"secret scope {scope.name}")
    return Denied("no secret scope of the caller holds this secret")


def decide_namespace(principal: Principal, namespace: str, scopes: Iterable[SecretScope]) -> Decision:
    """Decide whether somebody may have a key made in a namespace of the provider."""
    if is_storage_administrator(principal):
        return Allowed("group *: storage administrator")
    if not namespace:
        return Allowed("the provider's default namespace")
    for scope in scopes:
        if any(where == namespace for _, where in scope.places(principal)):
            return Allowed(f"secret scope {scope.name}")
    return Denied("no secret scope of the caller lies in this namespace")
