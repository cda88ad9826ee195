"""``cert``: whoever holds the key of a certificate, shown in the TLS handshake.

    certs/<name>         whose certificates, and what they get

The listener has to ask for certificates (``tls_client_ca_file``) and verifies the chain up to its own
authorities. Here it is decided whether one is meant by a role: it is the role's certificate itself, or was
issued by it directly.
"""

from holdfast.store.auth.cert.login import log_in
from holdfast.store.auth.cert.roles import CERT_ROUTES
from holdfast.store.auth.issue import FOR_MACHINES
from holdfast.store.auth.method import Method

CERT = Method(CERT_ROUTES, log_in, FOR_MACHINES, shown=frozenset({"name"}))

__all__ = ["CERT"]
