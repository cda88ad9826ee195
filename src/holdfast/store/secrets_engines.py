"""The secrets engines that can be mounted: the one table of mount types and of how each is served."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdfast.errors import InvalidInputError
from holdfast.store.command import Command
from holdfast.store.cubbyhole.routes import cubbyhole_paths, serve_cubbyhole
from holdfast.store.kv.routes import kv_paths, serve_kv
from holdfast.store.mount_visit import MountVisit
from holdfast.store.mounts import Mount, kv_mount, plain_mount
from holdfast.store.request import Answer, Operation
from holdfast.store.route import Deferred, Stepwise
from holdfast.store.transit.routes import serve_transit, transit_paths


@dataclass(frozen=True, slots=True)
class SecretsEngine:
    """One engine.

    Attributes:
        kinds: the words by which a client asks for it when it mounts one; none if it cannot be mounted.
        make_mount: returns a new mount; gets the path, and by name the kind, description and options as sent.
        paths: yields what there is to ask for below a mount, with a name for what is open in a path.
        serve: answers an authorised request below a mount, or says which change or slow work will.
    """

    kinds: tuple[str, ...]
    make_mount: Callable[..., Mount]
    paths: Callable[[Mount], Iterable[tuple[str, Operation]]]
    serve: Callable[[MountVisit], Answer | Command | Deferred | Stepwise]


SECRETS_ENGINES = {
    "kv": SecretsEngine(
        kinds=("kv", "kv-v1", "kv-v2", "generic"), make_mount=kv_mount, paths=kv_paths, serve=serve_kv
    ),
    "cubbyhole": SecretsEngine(
        kinds=(), make_mount=plain_mount, paths=cubbyhole_paths, serve=serve_cubbyhole
    ),
    "transit": SecretsEngine(
        kinds=("transit",), make_mount=plain_mount, paths=transit_paths, serve=serve_transit
    ),
}
"""By mount type."""

_BY_KIND = {kind: engine for engine in SECRETS_ENGINES.values() for kind in engine.kinds}
KINDS = frozenset(_BY_KIND)
"""The words by which engines can be mounted."""


def new_mount(path: str, *, kind: str, description: str, options: object) -> Mount:
    """Return a new mount of an engine.

    Args:
        path: where it shall answer, with or without slashes around it.
        kind: which engine; one of the ``kinds`` of the table.
        description: for people.
        options: decoded ``options`` member of a request.

    Raises:
        InvalidInputError: no engine has this kind, or it cannot be mounted like that.
    """
    engine = _BY_KIND.get(kind)
    if engine is None:
        raise InvalidInputError(f"plugin not found in the catalog: expected one of {', '.join(_BY_KIND)}")
    return engine.make_mount(path, kind=kind, description=description, options=options)
