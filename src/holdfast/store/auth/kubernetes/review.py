"""Asking the cluster whether a token is genuine and still counts (TokenReview, authentication.k8s.io/v1)."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec

from holdfast.client.outside import ask, read_object
from holdfast.store.auth.kubernetes.config import CLUSTER, KubernetesConfig
from holdfast.store.auth.kubernetes.service_account import ServiceAccount, refused

REVIEWS_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
_OK = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})

log = logging.getLogger(__name__)


def review(config: KubernetesConfig, token: str, audience: str, account: ServiceAccount) -> None:
    """Return if the cluster vouches that ``token`` is for ``account``, and the ``audience`` if any; blocks.

    Raises:
        PermissionDeniedError: it does not, or does not let us ask.
        UnavailableError: it does not answer, which says nothing about the token.
    """
    spec: dict[str, Any] = {"token": token}
    if audience:
        spec["audiences"] = [audience]
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    answer = ask(
        config.kubernetes_host + REVIEWS_PATH,
        ca_pem=config.authorities(),
        headers={"Authorization": f"Bearer {config.bearer() or token}", "Content-Type": "application/json"},
        body=msgspec.json.encode(request),
        what=CLUSTER,
    )
    if answer.status not in _OK:
        log.warning(
            "%s refused a TokenReview with status %d; may the reviewer token do that, and has it expired?",
            CLUSTER,
            answer.status,
        )
        raise refused(f"the cluster refused to review it, with status {int(answer.status)}")
    check_status(read_object(answer.body, what=CLUSTER).get("status"), audience, account)


def check_status(status: Any, audience: str, account: ServiceAccount) -> None:
    """Return if the status of a review says that the token is for exactly this account and audience.

    Raises:
        PermissionDeniedError: it does not.
    """
    if not isinstance(status, dict) or status.get("error") or status.get("authenticated") is not True:
        raise refused("the cluster does not accept it")
    if audience and audience not in (status.get("audiences") or ()):
        raise refused("the cluster says that it is meant for another audience")
    user = status.get("user")
    if not isinstance(user, dict) or user.get("username") != account.user_name:
        raise refused("the cluster says that it is for another account")
    if user.get("uid") != account.uid:
        raise refused("the cluster says that it is for an account that had this name before")
