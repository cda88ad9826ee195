"""What quotas are for: a path at or below a mount, or everything."""

from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.store import fields
from holdfast.store.visit import Visit

_OWN_PLACES = ("sys/", "auth/token/", "acs/")


def path_of(visit: Visit) -> str:
    """Return what a quota is for: a namespace, or below a mount, so that a typing error is noticed."""
    whole = pattern_of(fields.text(visit.values, "path"))
    if not whole:
        return ""
    inside, below = visit.store.namespaces.enter("", whole if whole.endswith("/") else f"{whole}/")
    if not below:
        return inside.namespace.path
    path = whole[len(inside.namespace.path) :]
    mounts = (
        *(mount.path for mount in inside.mounts.mounts),
        *(f"auth/{mount.path}" for mount in inside.auth_mounts.mounts),
        *_OWN_PLACES,
    )
    if f"{path}/" in mounts:
        return f"{whole}/"
    if not any(path.startswith(mount) for mount in mounts):
        raise InvalidInputError("path: expected a path at or below a mount, or none for everything")
    return whole


def pattern_of(text: str) -> str:
    """Return a path in its one spelling; a final slash or star stays."""
    stem = text.removesuffix("*")
    if not stem.strip("/"):
        return ""
    path = parse_path(stem).text
    if stem.endswith("/"):
        path = path.rstrip("/") + "/"
    return path + text[len(stem) :]
