"""The service account of the pod that the store itself runs in, and which cluster that pod is in."""

import os
from ipaddress import ip_address
from pathlib import Path

from holdfast.client.address import parse_address
from holdfast.errors import InvalidInputError

OWN_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
OWN_HOST_VARIABLE = "KUBERNETES_SERVICE_HOST"  # the cluster sets it in every pod
OWN_HOST_NAMES = frozenset(
    {"kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
)


def authorities() -> str:
    """Return the authorities of the pod's cluster, in PEM form; empty outside a pod. Reads a file."""
    return _read("ca.crt")


def token() -> str:
    """Return the token of the pod's account; empty outside a pod. Reads a file."""
    return _read("token").strip()


def is_own_cluster(url: str) -> bool:
    """Tell whether ``url`` leads to the API server of the pod's own cluster, as far as its name goes.

    Where the cluster does not say its address, every name will do: what answers there still has to show a
    certificate of the pod's ``authorities``, which HTTPS alone demands.
    """
    try:
        address = parse_address(url)
    except InvalidInputError:
        return False
    if address.scheme != "https":
        return False
    own = os.environ.get(OWN_HOST_VARIABLE, "")
    return not own or _same(address.host) in OWN_HOST_NAMES | {_same(own)}


def _same(host: str) -> str:
    """Return the one way to write ``host``."""
    host = host.strip("[]").rstrip(".").lower()
    try:
        return str(ip_address(host))
    except ValueError:
        return host


def _read(name: str) -> str:
    try:
        return (OWN_ACCOUNT / name).read_text("utf-8")
    except OSError:
        return ""  # not in a pod
