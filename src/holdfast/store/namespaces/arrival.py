"""A request arrives: which namespace is it for, and what is its path as seen from there?

A header names a namespace, the beginning of the path goes on from there. Two kinds of paths are looked at
more closely: what is asked of a token itself is asked where the token is from, and what is asked about a path
is asked where that path leads.
"""

from holdfast.store.description.path_help import HELP
from holdfast.store.namespaces.server_wide import refuse_server_wide
from holdfast.store.open_store import OpenStore
from holdfast.store.request import StoreRequest
from holdfast.store.system_routes import UI_MOUNT
from holdfast.store.wrapping.routes import UNWRAP, carry_own_token

_OF_THE_TOKEN = frozenset({*(f"auth/token/{what}-self" for what in ("lookup", "renew", "revoke")), UNWRAP})
_ABOUT_A_PATH = (UI_MOUNT, HELP)


def namespace_of(opened: OpenStore, request: StoreRequest) -> OpenStore:
    """Return what is open for the namespace of a request, and make its path what it is there.

    Raises:
        NotFoundError: there is no such namespace.
        UnavailableError: it is locked.
        InvalidInputError: nothing of the kind is there, but in the root namespace.
    """
    if not request.namespace and not opened.namespaces.concerns(request.path):
        return opened
    here = _move(opened, request, request.namespace)
    if request.path.startswith(_ABOUT_A_PATH):
        here = _where_it_leads(opened, request, here)
    if request.path == UNWRAP:
        carry_own_token(request)
    if request.path in _OF_THE_TOKEN:
        home = opened.namespaces.home_of(request.token)
        if home is not None and home is not here:
            here = _move(opened, request, home.namespace.path)
    if here is not opened:
        refuse_server_wide(request.path)
    return here


def _move(opened: OpenStore, request: StoreRequest, namespace: str) -> OpenStore:
    here, request.path = opened.namespaces.enter(namespace, request.path)
    request.namespace, request.within = here.namespace.path, here.namespace
    return here


def _where_it_leads(opened: OpenStore, request: StoreRequest, here: OpenStore) -> OpenStore:
    """Return what is open for the namespace in which the path lies that is asked about.

    A client that begins its paths with a namespace asks with that in front, and with a token of there.
    """
    about = next(prefix for prefix in _ABOUT_A_PATH if request.path.startswith(prefix))
    inside, path = opened.namespaces.enter(request.namespace, f"{request.path[len(about) :]}/")
    if inside is here or not path.strip("/"):
        return here
    request.between = inside.namespace.path[len(request.namespace) :]
    request.path = about + path.rstrip("/")
    return _move(opened, request, inside.namespace.path)
