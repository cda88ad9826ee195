"""The APIs of a storage node by name, what each needs of its volume, and what proves that one may call it.

Names are those of the OpenStorage SDK where it has the call; roles refer to them in lower case. An API
states the access type that it needs, so that no handler can ask for less.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, Generic, ParamSpec, TypeVar, overload

from holdfast.errors import InternalError
from holdfast.model import Principal
from holdfast.policy.ownership import AccessType

SCOPED_SERVICES = frozenset({"mountattach", "volume", "watch"})
"""Services in lower case whose every call is about volumes, so that a rule about them may have a scope."""

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Api:
    """One API.

    Attributes:
        service: the service without its ``OpenStorage`` prefix, such as ``MountAttach``.
        method: such as ``Attach``.
        access: what the caller needs on the volume; ``None`` for calls about no single volume.
        prefix: what gRPC says before the service.
        of_every_bearer: whoever has a good token may call it, unless a role denies it; it is about that token
            alone.
    """

    service: str
    method: str
    access: AccessType | None = None
    prefix: str = "openstorage.api.OpenStorage"
    of_every_bearer: bool = False

    @property
    def is_scoped(self) -> bool:
        """Whether every call of it is about volumes, so that a rule about it may have a scope."""
        return self.service.lower() in SCOPED_SERVICES

    @property
    def full_method(self) -> str:
        """The name in gRPC's form, as error texts of the SDK give it."""
        return f"/{self.prefix}{self.service}/{self.method}"

    def __str__(self) -> str:
        return f"{self.service}.{self.method}".lower()


@dataclass(frozen=True, slots=True)
class Admission:
    """Proof that a caller has passed the first two gates for one API.

    Attributes:
        principal: who calls; the guest if nobody was authenticated.
        api: the one API that it opens.
        request: an id that ties the lines of one request together.
        peer: address of the caller.
        correlation: an id that the caller gave the request; it may have given others the same.
    """

    principal: Principal
    api: Api
    request: str
    peer: str
    correlation: str = ""


def operation(
    api: Api,
) -> Callable[[Callable[Concatenate[S, Admission, P], R]], "Operation[S, P, R]"]:
    """Bind a method of a service to its API: an admission to another one does not open it."""
    return lambda method: Operation(api, method)


class Operation(Generic[S, P, R]):
    """A method of a service that can only be called with an admission to its own API.

    Args:
        api: the API.
        method: what acts, once the caller was admitted.
    """

    def __init__(self, api: Api, method: Callable[Concatenate[S, Admission, P], R]) -> None:
        self.api = api
        self._method = method
        self.__doc__ = method.__doc__

    def __call__(self, service: S, admission: Admission, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Act.

        Raises:
            InternalError: the admission is to another API; a wire dialect mixed up its tables.
        """
        if admission.api is not self.api:
            raise InternalError("an operation was reached with an admission to another API")
        return self._method(service, admission, *args, **kwargs)

    @overload
    def __get__(self, service: None, owner: type[S]) -> "Operation[S, P, R]": ...
    @overload
    def __get__(self, service: S, owner: type[S]) -> Callable[Concatenate[Admission, P], R]: ...
    def __get__(
        self, service: S | None, owner: type[S]
    ) -> "Operation[S, P, R] | Callable[Concatenate[Admission, P], R]":
        """Bind to a service, as a method does."""
        return self if service is None else partial(self, service)
