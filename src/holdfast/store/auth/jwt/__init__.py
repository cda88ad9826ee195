"""``jwt``: whoever holds a token that a trusted provider signed, such as a CI job or a cloud workload.

    config               whose tokens are believed
    role/<name>          which of them, and what they get

Tokens are verified here, by the provider's public keys: none is ever sent anywhere. The way through a
browser (``oidc`` roles) is not offered; the type ``oidc`` of a mount is another word for this one.
"""

from holdfast.store.auth.issue import FOR_MACHINES
from holdfast.store.auth.jwt.config import CONFIG_ROUTES
from holdfast.store.auth.jwt.login import log_in
from holdfast.store.auth.jwt.roles import ROLE_ROUTES
from holdfast.store.auth.method import Method

JWT = Method((*CONFIG_ROUTES, *ROLE_ROUTES), log_in, FOR_MACHINES)

__all__ = ["JWT"]
