"""A login that waits for somebody at a browser: all that has to be known of it, inside its ``state``.

The state travels through the browser and comes back, to any worker of any node. It is sealed (see
``sealed_text``), so nobody reads the code verifier in it and nobody makes one up, and it is stored nowhere,
so that whoever begins logins without end fills nothing. What is stored is that one was used, which only
somebody can bring about whom the provider vouches for (``commands``).
"""

import hashlib
import hmac
from secrets import token_bytes, token_urlsafe

import msgspec

from holdfast.errors import InvalidInputError
from holdfast.store.auth.jwt.redirects import MAX_REDIRECT_LENGTH
from holdfast.store.open_store import OpenStore
from holdfast.store.sealed_text import ForgedTextError, open_text, seal_text

LIFETIME_SECONDS = 300
MAX_STATE_LENGTH = 2 * MAX_REDIRECT_LENGTH + 2048
MAX_CLIENT_NONCE_LENGTH = 512
EXPIRED = "login failed: expired or missing OAuth state; begin again"

_PURPOSE = b"oidc state"
_NONCE_BYTES = 24
_VERIFIER_BYTES = 48  # 64 characters; RFC 7636 asks for 43 to 128


class BrowserState(msgspec.Struct, array_like=True, frozen=True):
    """One login on its way. Fields are only ever appended.

    Attributes:
        id: names it in what is stored.
        mount: uuid of the mount.
        role: what is wanted.
        redirect_uri: where the provider sends people back to.
        nonce: what the identity token must repeat.
        verifier: proves at the exchange of the code that it was this login that asked for it (RFC 7636).
        expires_at: Unix seconds.
        client: hash of what the program that waits must repeat; empty if it gave nothing.
        direct: whether people are sent back to the store itself, and the program asks for the outcome.
        peer: the address that the login began at, for whoever is asked whether it was him.
    """

    id: bytes
    mount: str
    role: str
    redirect_uri: str
    nonce: str
    verifier: str
    expires_at: int
    client: bytes
    direct: bool
    peer: str = ""

    @property
    def challenge(self) -> bytes:
        """SHA-256 of the verifier, which the provider is shown first."""
        return hashlib.sha256(self.verifier.encode()).digest()

    @property
    def mark(self) -> str:
        """The name of what is stored about it; in the order in which it may be forgotten."""
        return f"{self.expires_at:012d}-{self.id.hex()}"

    def check_client(self, client_nonce: str) -> None:
        """Return if it is the program that began the login that asks now.

        Raises:
            InvalidInputError: it is another.
        """
        if not hmac.compare_digest(self.client, _client_hash(client_nonce)):
            raise InvalidInputError("login failed: invalid client_nonce")

    def __repr__(self) -> str:
        return "BrowserState(...)"


def new_state(
    *, mount: str, role: str, redirect_uri: str, client_nonce: str, direct: bool, peer: str, now: float
) -> BrowserState:
    """Return the state of a login that begins now."""
    return BrowserState(
        id=token_bytes(16),
        mount=mount,
        role=role,
        redirect_uri=redirect_uri,
        nonce=token_urlsafe(_NONCE_BYTES),
        verifier=token_urlsafe(_VERIFIER_BYTES),
        expires_at=int(now) + LIFETIME_SECONDS,
        client=_client_hash(client_nonce),
        direct=direct,
        peer=peer,
    )


def write_state(opened: OpenStore, state: BrowserState) -> str:
    """Return the sealed form."""
    return seal_text(opened.keyring, opened.hasher, _PURPOSE, msgspec.msgpack.encode(state))


def read_state(opened: OpenStore, text: str, *, mount: str, now: float) -> BrowserState:
    """Return what ``write_state`` was given, at the same mount and in time.

    Raises:
        InvalidInputError: it is none of ours, of another mount, or too old.
    """
    try:
        content = open_text(opened.keyring, opened.hasher, _PURPOSE, text[: MAX_STATE_LENGTH + 1])
    except ForgedTextError:
        raise InvalidInputError(EXPIRED, detail="no state of ours") from None
    state = msgspec.msgpack.decode(content, type=BrowserState)
    if state.mount != mount:
        raise InvalidInputError(EXPIRED, detail="the state of a login at another mount")
    if now >= state.expires_at:
        raise InvalidInputError(EXPIRED, detail="too late")
    return state


def _client_hash(client_nonce: str) -> bytes:
    return hashlib.sha256(client_nonce.encode()).digest() if client_nonce else b""
