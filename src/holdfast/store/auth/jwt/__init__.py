"""``jwt``: whoever holds a token that a trusted provider signed, and whoever logs in at it with a browser.

    config               whose tokens are believed
    role/<name>          which of them, and what they get
    oidc/...             logins through a browser

The type ``oidc`` of a mount is another word for this one. A token that somebody brings is verified by the
provider's public keys, and never sent anywhere.
"""

from holdfast.store.auth.issue import FOR_MACHINES
from holdfast.store.auth.jwt.browser import auth_url, callback, poll
from holdfast.store.auth.jwt.config import config_routes
from holdfast.store.auth.jwt.login import log_in
from holdfast.store.auth.jwt.provider import fetch_provider
from holdfast.store.auth.jwt.roles import ROLE_ROUTES
from holdfast.store.auth.method import Method
from holdfast.store.request import Operation

JWT = Method(
    (*config_routes(fetch_provider), *ROLE_ROUTES),
    log_in,
    FOR_MACHINES,
    further={
        ("oidc/auth_url", Operation.WRITE): auth_url,
        ("oidc/callback", Operation.READ): callback,
        ("oidc/poll", Operation.WRITE): poll,
    },
)

__all__ = ["JWT"]
