"""``cert``: whoever holds the key of a certificate, shown in the TLS handshake.

    certs/<name>         whose certificates, and what they get
    crls/<name>          which of them count no more
    config               what holds for all

The listener has to ask for certificates (``tls_client_ca_file``) and verifies the chain up to its own
authorities. Here it is decided whether one is meant by a role: it is the role's certificate itself, or was
issued by it directly.
"""

from holdfast.store.auth.cert.config import CONFIG_ROUTES
from holdfast.store.auth.cert.login import log_in, renew
from holdfast.store.auth.cert.revocation import LIST_ROUTES
from holdfast.store.auth.cert.roles import CERT_ROUTES
from holdfast.store.auth.issue import FOR_MACHINES
from holdfast.store.auth.method import Method

CERT = Method(
    (*CONFIG_ROUTES, *CERT_ROUTES, *LIST_ROUTES),
    log_in,
    FOR_MACHINES,
    shown=frozenset({"name"}),
    renew=renew,
)

__all__ = ["CERT"]
