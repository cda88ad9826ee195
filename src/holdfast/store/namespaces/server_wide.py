"""Paths that are about the server, and so there once: in the root namespace, whoever asks."""

from holdfast.errors import InvalidInputError

UNAVAILABLE = "operation unavailable in namespaces"

_PATHS = frozenset(
    f"sys/{name}"
    for name in (
        "audit",
        "first-root-token",
        "ha-status",
        "health",
        "host-info",
        "in-flight-req",
        "init",
        "key-status",
        "loggers",
        "metrics",
        "monitor",
        "raw",
        "replication",
        "rotate",
        "seal",
        "shares",
        "step-down",
        "unseal",
        "version-history",
    )
)
_BELOW = tuple(
    f"sys/{name}"
    for name in (
        "audit/",
        "audit-",  # audit-hash, and audit-chain, whose key could forge lines
        "config/",
        "decode-token",
        "generate-r",  # generate-root, generate-root-token, generate-recovery-token
        "in-flight-req/",
        "loggers/",
        "pprof",
        "quotas",
        "raw/",
        "rekey",
        "replication/",
        "rotate/",
        "storage",
        "version-history/",
    )
)
_OUTSIDE = ("acs/", *_BELOW)


def is_server_wide(path: str) -> bool:
    """Whether a request path is there in the root namespace alone."""
    return path.startswith(_OUTSIDE) or path.rstrip("/") in _PATHS


def refuse_server_wide(path: str) -> None:
    """Return unless a request in a namespace is for what is not there.

    Raises:
        InvalidInputError: it is.
    """
    if is_server_wide(path):
        raise InvalidInputError(UNAVAILABLE)
