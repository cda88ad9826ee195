"""Which service account a token says that it is for: read out of its claims, and decided upon. Does no IO.

projected (1.20 and later)   kubernetes.io: {namespace, serviceaccount: {name, uid}, pod: {...}}
legacy, from a secret        kubernetes.io/serviceaccount/namespace, .../service-account.name, ...
"""

from dataclasses import dataclass
from typing import Any

from holdfast.errors import PermissionDeniedError

SKEW_SECONDS = 10
_LEGACY = "kubernetes.io/serviceaccount/"
_MAX_NAME_LENGTH = 253  # a DNS subdomain


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """One service account.

    Attributes:
        namespace: its namespace.
        name: its name there.
        uid: tells it from one that had the name before.
        secret_name: of the secret that a legacy token was in; empty for others.
    """

    namespace: str
    name: str
    uid: str
    secret_name: str = ""

    @property
    def user_name(self) -> str:
        """What the cluster calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


def refused(why: str) -> PermissionDeniedError:
    """Return the one refusal of a token; ``why`` is for the audit trail."""
    return PermissionDeniedError("permission denied", detail=why)


def read_service_account(claims: dict[str, Any]) -> ServiceAccount:
    """Return the service account that a token is for.

    Raises:
        PermissionDeniedError: it is for none.
    """
    inside = claims.get("kubernetes.io")
    if isinstance(inside, dict):
        account = inside.get("serviceaccount")
        account = account if isinstance(account, dict) else {}
        names = (inside.get("namespace"), account.get("name"), account.get("uid"), "")
    else:
        keys = ("namespace", "service-account.name", "service-account.uid", "secret.name")
        names = tuple(claims.get(_LEGACY + key, "") for key in keys)
    if any(not isinstance(name, str) or len(name) > _MAX_NAME_LENGTH for name in names):
        raise refused("not a token of a service account")
    namespace, name, uid, secret_name = (str(each) for each in names)
    if not (namespace and name and uid):
        raise refused("not a token of a service account")
    return ServiceAccount(namespace, name, uid, secret_name)


def check_times(claims: dict[str, Any], *, now: float, must_expire: bool) -> None:
    """Return if a token holds at ``now``, as far as it says; a legacy one says nothing.

    Raises:
        PermissionDeniedError: it does not; or it never ends, and ``must_expire``.
    """
    for name in ("exp", "nbf", "iat"):
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
            raise refused(f"its {name} is no time")
    if must_expire and "exp" not in claims:
        raise refused("it never expires, so only the cluster can tell whether it still counts")
    if now >= claims.get("exp", float("inf")) + SKEW_SECONDS:
        raise refused("expired")
    if now < max(claims.get("nbf", 0), claims.get("iat", 0)) - SKEW_SECONDS:
        raise refused("not valid yet")


def audiences_of(claims: dict[str, Any]) -> frozenset[str]:
    """Return whom a token is meant for."""
    named = claims.get("aud", ())
    listed = named if isinstance(named, list | tuple) else [named]
    return frozenset(each for each in listed if isinstance(each, str))
