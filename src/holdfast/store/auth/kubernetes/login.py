"""Logging in with the token of a service account."""

from functools import partial
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.store import fields
from holdfast.store.auth.issue import Earned
from holdfast.store.auth.kubernetes.config import CONFIG_KEY, KubernetesConfig, configured_keys, fetch_keys
from holdfast.store.auth.kubernetes.namespace_labels import read_selector, require_labels
from holdfast.store.auth.kubernetes.review import review
from holdfast.store.auth.kubernetes.roles import KubernetesRole, role_key
from holdfast.store.auth.kubernetes.service_account import (
    ServiceAccount,
    audiences_of,
    check_times,
    read_service_account,
    refused,
)
from holdfast.store.auth.login import Login
from holdfast.store.auth.provider_keys import Keys, has_key
from holdfast.store.auth.records import decode_record, fold_role, load_record
from holdfast.store.auth.signatures import ASYMMETRIC, check_signature
from holdfast.tokens.compact import CompactToken, read_compact
from holdfast.tokens.errors import TokenError

_ALGORITHMS = frozenset(ASYMMETRIC)


def log_in(login: Login) -> None:
    """Begin a login."""
    name, text = fields.text(login.values, "role"), fields.text(login.values, "jwt").strip()
    if not name:
        raise InvalidInputError("missing role")
    if not text:
        raise InvalidInputError("missing jwt")
    stored = login.records.get(CONFIG_KEY)
    if stored is None:
        raise InvalidInputError("could not load backend configuration: this mount was not configured")
    name = fold_role(name, field="role")
    role = load_record(login.records, role_key(name), KubernetesRole)
    if role is None:
        raise InvalidInputError("invalid role name: expected the name of a role of this mount")
    _Attempt(login, decode_record(stored, KubernetesConfig), name, role, text).begin(stored)


class _Attempt:
    """One login, once its role is known."""

    def __init__(
        self, login: Login, config: KubernetesConfig, name: str, role: KubernetesRole, text: str
    ) -> None:
        self._login = login
        self._config = config
        self._name = name
        self._role = role
        self._text = text

    def begin(self, stored_config: bytes) -> None:
        """Look at what the token says, none of which is believed yet; then have it verified."""
        config = self._config
        try:
            token = read_compact(self._text)
        except TokenError as error:
            raise refused(error.reason) from None
        claims = token.unverified_claims
        check_times(claims, now=self._login.now, must_expire=config.local_verification)
        if not config.disable_iss_validation and claims.get("iss") != config.issuer:
            raise refused("of another issuer")
        if self._role.audience and self._role.audience not in audiences_of(claims):
            raise refused("meant for another audience")
        account = read_service_account(claims)
        self._role.check(account)
        if config.pem_keys:
            self._signed(token, account, configured_keys(config))
        elif config.local_verification:
            step = partial(self._signed, token, account)
            self._login.with_published(
                stored_config, partial(fetch_keys, config), partial(has_key, token.key_id), step
            )
        else:
            self._ask(account)

    def _signed(self, token: CompactToken, account: ServiceAccount, keys: Keys) -> None:
        try:
            claims = check_signature(token, keys, _ALGORITHMS)
        except TokenError as error:
            raise refused(error.reason) from None
        if self._config.local_verification:
            self._check_meant_for_us(claims)
            self._look_at_namespace(account)
        else:
            self._ask(account)

    def _check_meant_for_us(self, claims: dict[str, Any]) -> None:
        """Refuse a token that was made for somebody else, who could use it here.

        Without an audience of the role it must be one for the cluster's own API server, as a review demands.
        """
        if not self._role.audience and claims.get("iss") not in audiences_of(claims):
            raise refused("meant for another audience")

    def _ask(self, account: ServiceAccount) -> None:
        asking = partial(review, self._config, self._text, self._role.audience, account)
        self._login.outside(asking, lambda _nothing: self._look_at_namespace(account))

    def _look_at_namespace(self, account: ServiceAccount) -> None:
        """Have the cluster tell the labels of the namespace, where they matter; the token is good."""
        if self._role.names_namespace_of(account):
            self._grant(account)
            return
        selector = read_selector(self._role.namespace_selector)
        asking = partial(require_labels, self._config, self._text, account.namespace, selector)
        self._login.outside(asking, lambda _nothing: self._grant(account))

    def _grant(self, account: ServiceAccount) -> None:
        self._login.grant(
            Earned(
                role=role_key(self._name),
                settings=self._role.settings,
                name=f"{account.namespace}-{account.name}",
                metadata={
                    "role": self._name,
                    "service_account_name": account.name,
                    "service_account_namespace": account.namespace,
                    "service_account_secret_name": account.secret_name,
                    "service_account_uid": account.uid,
                },
                alias=self._role.alias_of(account),
            )
        )
