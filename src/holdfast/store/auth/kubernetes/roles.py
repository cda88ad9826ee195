"""``role/...``: which service accounts may log in, and what they get."""

from typing import Any

import msgspec

from holdfast.errors import InvalidInputError, PermissionDeniedError
from holdfast.formats.strict_json import encode
from holdfast.store import fields
from holdfast.store.auth.globs import matches_any
from holdfast.store.auth.kubernetes.namespace_labels import FIELD as _SELECTOR
from holdfast.store.auth.kubernetes.namespace_labels import read_selector
from holdfast.store.auth.kubernetes.service_account import ServiceAccount
from holdfast.store.auth.method import kept_by_name
from holdfast.store.auth.token_settings import TokenSettings, describe_token_settings, read_token_settings
from holdfast.store.auth.visit import AuthVisit
from holdfast.store.command import Command
from holdfast.store.request import Answer

ALIAS_SOURCES = ("serviceaccount_uid", "serviceaccount_name")
_NAMES, _NAMESPACES = "bound_service_account_names", "bound_service_account_namespaces"


class KubernetesRole(msgspec.Struct, array_like=True, frozen=True):
    """One role. Fields are only ever appended: their order is the record format.

    Attributes:
        names: names of service accounts, or patterns with ``*``.
        namespaces: namespaces, or patterns with ``*``.
        settings: about tokens.
        audience: whom a token must be meant for; empty for the cluster itself.
        alias_name_source: what tells one account from another; one of ``ALIAS_SOURCES``.
        namespace_selector: text of a selector for the labels of further namespaces; empty for none.
    """

    names: tuple[str, ...]
    namespaces: tuple[str, ...]
    settings: TokenSettings = TokenSettings()
    audience: str = ""
    alias_name_source: str = ALIAS_SOURCES[0]
    namespace_selector: str = ""

    def names_namespace_of(self, account: ServiceAccount) -> bool:
        """Tell whether the namespace of an account is one by name, whatever its labels."""
        return matches_any(self.namespaces, account.namespace)

    def check(self, account: ServiceAccount) -> None:
        """Return if the role is for this account, as far as names tell.

        Raises:
            PermissionDeniedError: it is not.
        """
        if not self.namespace_selector and not self.names_namespace_of(account):
            raise PermissionDeniedError("namespace not authorized")
        if not matches_any(self.names, account.name):
            raise PermissionDeniedError("service account name not authorized")

    def alias_of(self, account: ServiceAccount) -> str:
        """Return what tells an account from others: its uid, or its name, which one made later has again."""
        by_uid = self.alias_name_source == ALIAS_SOURCES[0]
        return account.uid if by_uid else f"{account.namespace}/{account.name}"


def role_key(name: str) -> str:
    """Return where a role is."""
    return f"role/{name}"


def _write_role(visit: AuthVisit) -> Command:
    values = visit.values

    def make(before: KubernetesRole | None) -> KubernetesRole:
        return _changed(values, before or KubernetesRole((), ()))

    command = visit.change(role_key(visit.name), KubernetesRole, make)
    if _is_everything(values, _NAMES) and _is_everything(values, _NAMESPACES):
        visit.warnings.append("every service account of the cluster may log in by this role")
    return command


def _changed(values: dict[str, Any], before: KubernetesRole) -> KubernetesRole:
    selector = fields.text(values, _SELECTOR, before.namespace_selector)
    if selector:
        read_selector(selector)
    role = KubernetesRole(
        names=_patterns(values, _NAMES, before.names),
        namespaces=_patterns(values, _NAMESPACES, before.namespaces, may_be_none=bool(selector)),
        namespace_selector=selector,
        settings=read_token_settings(values, before.settings),
        audience=fields.text(values, "audience", before.audience),
        alias_name_source=fields.text(values, "alias_name_source", before.alias_name_source),
    )
    if role.alias_name_source not in ALIAS_SOURCES:
        raise InvalidInputError(f"alias_name_source: expected {' or '.join(ALIAS_SOURCES)}")
    return role


def _patterns(
    values: dict[str, Any], name: str, before: tuple[str, ...], *, may_be_none: bool = False
) -> tuple[str, ...]:
    patterns = fields.words(values, name) if name in values else before
    if not patterns and not may_be_none:
        raise InvalidInputError(f"{name}: expected at least one; no name means no account, not every account")
    if "*" in patterns and len(patterns) > 1:
        raise InvalidInputError(f'{name}: expected "*" to stand alone')
    return patterns


def _is_everything(values: dict[str, Any], name: str) -> bool:
    return fields.words(values, name) == ("*",)


def _read_role(visit: AuthVisit) -> Answer:
    role = visit.require(role_key(visit.name), KubernetesRole)
    shown = {
        _NAMES: list(role.names),
        _NAMESPACES: list(role.namespaces),
        _SELECTOR: role.namespace_selector,
        "audience": role.audience,
        "alias_name_source": role.alias_name_source,
    }
    return Answer(data=encode(shown | describe_token_settings(role.settings)))


ROLE_ROUTES = kept_by_name("role", read=_read_role, write=_write_role)
