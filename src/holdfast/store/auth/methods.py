"""The auth methods that can be mounted: the one table, by the word that a client mounts them with."""

from holdfast.store.auth.approle import APPROLE
from holdfast.store.auth.cert import CERT
from holdfast.store.auth.jwt import JWT
from holdfast.store.auth.kubernetes import KUBERNETES
from holdfast.store.auth.method import Method
from holdfast.store.auth.userpass import USERPASS

METHODS: dict[str, Method] = {
    "approle": APPROLE,
    "cert": CERT,
    "jwt": JWT,
    "kubernetes": KUBERNETES,
    "oidc": JWT,
    "userpass": USERPASS,
}
