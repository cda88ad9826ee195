"""What to try next, by the kind of an error; printed below the server's own words."""

from holdfast.errors import (
    ConflictError,
    HoldfastError,
    InternalError,
    PermissionDeniedError,
    SealedError,
    UnauthenticatedError,
    UnavailableError,
)

# Of what a server says; one that does not start has words of its own. The first kind that fits counts.
_ADVICE: tuple[tuple[type[HoldfastError], str], ...] = (
    (SealedError, "Unseal it with: holdfast operator unseal"),
    (UnauthenticatedError, "Log in again with: holdfast login, or as a user with: holdfast auth login"),
    (
        PermissionDeniedError,
        "See what the token may do with: holdfast token lookup. No token yet? holdfast login",
    ),
    (ConflictError, "Read it again, then repeat the change on what is there now."),
    (
        UnavailableError,
        "The address comes from -address, else HOLDFAST_ADDR, else VAULT_ADDR.",
    ),
    (InternalError, "Please report this."),
)


def advise(error: HoldfastError) -> str:
    """Return a sentence on what to try next, or nothing."""
    from holdfast.client.errors import RemoteError  # loaded by now if the error came from there

    if not isinstance(error, RemoteError | InternalError):
        return ""
    return next((text for kind, text in _ADVICE if isinstance(error, kind)), "")
