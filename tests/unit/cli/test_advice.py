"""What is said below an error fits whose error it is: of a server's words, not of one that does not start."""

import pytest

from holdfast.cli.holdfast.advice import advise
from holdfast.client.errors import (
    RemoteConflictError,
    RemoteError,
    RemoteSealedError,
    RemoteUnauthenticatedError,
    RemoteUnavailableError,
)
from holdfast.errors import (
    ConflictError,
    InternalError,
    InvalidInputError,
    UnauthenticatedError,
    UnavailableError,
)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        (RemoteConflictError, "Read it again"),
        (RemoteUnavailableError, "-address"),
        (RemoteUnauthenticatedError, "holdfast login"),
        (RemoteSealedError, "operator unseal"),
        (InternalError, "report this"),
    ],
)
def test_of_what_a_server_says(kind, advice):
    assert advice in advise(kind("x"))


@pytest.mark.parametrize(
    "kind", [ConflictError, UnavailableError, UnauthenticatedError, InvalidInputError, RemoteError]
)
def test_nothing_is_said_of_clients_to_who_starts_a_server(kind):
    assert advise(kind("another node uses this directory")) == ""
