"""Tokens at rest: what a token entry holds, where it lives, how it is created, renewed and revoked.

The token itself is never stored. Below ``sys/token/`` (a view of the barrier):

    id/<hash>                     the entry
    accessor/<accessor hash>      -> hash
    parent/<parent hash>/<hash>   marks a child, so that revoking a token finds its descendants
    expiry/<unix seconds>/<hash>  marks when an entry ends, so that tidying reads only what is due
    role/<name>                   a token role, see ``tokens.roles``
    wrapped/<hash>                an answer that waits for the one use of the token, see ``wrapping``
    cubbyhole/<hash>/...          what the token keeps for itself, see ``cubbyhole``
    purge/<hash>                  marks a dead token that has left something behind, see ``tokens.purge``

``<hash>`` is an HMAC-SHA256 under a key that lives inside the barrier, so that nobody who reads the
storage learns a token, and nobody who knows a token finds its entry without the key.

Of a token of a namespace other than the root, ``<hash>`` begins with ``n<namespace id>.``, and the token
itself ends with ``.<namespace id>``. A ``TokenHasher`` is for one namespace and makes no other names: who
asks in one namespace for a token, an accessor or a lease of another has asked for nothing. Tokens of all
namespaces lie in one place nevertheless, so that a token ends with its parent wherever that is, and what has
run out is found in one list.

Functions take views, plain values and the time; they know nothing of requests or policies.
"""

from collections.abc import Iterator
from itertools import islice
from math import inf

import msgspec

from holdfast.crypto.identifiers import new_accessor, new_token
from holdfast.crypto.mac import PreparedHmac
from holdfast.errors import InvalidInputError, UnauthenticatedError
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.login_alias import LoginAlias
from holdfast.store.namespaces.records import ROOT, Namespace
from holdfast.store.quotas.lease_counts import count_one, take_one_off

SYSTEM_MAX_TTL_SECONDS = 768 * 3600  # what Vault documents as the system default and maximum
SERVICE, BATCH = "service", "batch"
PURGES = "purge/"
TIDY_BATCH = 100
_OF_NAMESPACE = "n"  # sorts behind every hash of the root namespace
_HEX_DIGITS = tuple("0123456789abcdef")
_HASH_LENGTH = 64
USED_UP_GRACE_SECONDS = 120  # for the last request of a token, which may still need what the token keeps
_PAGE = 500


class TokenEntry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A stored token. Fields are only ever appended: their order is the record format.

    Attributes:
        accessor: the handle that can look up and revoke, never authenticate.
        policies: sorted policy names; ``("root",)`` alone allows everything.
        path: where it was made, such as ``auth/token/create``.
        display_name: for people and audit records.
        meta: caller's own key-value pairs.
        created_at: Unix seconds.
        ttl_seconds: as granted at creation; 0 never expires.
        expires_at: Unix seconds, 0 never.
        explicit_max_ttl_seconds: a limit that no renewal passes; 0 for none.
        period_seconds: renewals reset to this; 0 for an ordinary token.
        renewable: whether renewing is allowed.
        uses_left: remaining uses; 0 for unlimited, -1 for used up.
        parent: hash of the parent, empty for an orphan.
        renewed_at: Unix seconds of the last renewal, 0 for none.
        type: ``service``, or ``batch`` for one that is stored nowhere (see ``tokens.batch``).
        bound_cidrs: the networks it may be used from; empty for any.
        max_ttl_seconds: how long after its creation renewals may keep it alive; 0 for the system maximum.
        mount: uuid of the auth mount that it, or the ancestor it depends on, came from by a login.
        role: the record below that mount that said what it may do; it is renewed only while that is there.
        token_role: the token role that it was made by; it is renewed only while that is there, too.
        namespace: uuid of the namespace that it is of; empty for the root namespace.
        alias: how the login knew its bearer that it, or the ancestor it was made by, came from.
    """

    accessor: str
    policies: tuple[str, ...]
    path: str
    display_name: str
    meta: dict[str, str]
    created_at: float
    ttl_seconds: int = 0
    expires_at: float = 0.0
    explicit_max_ttl_seconds: int = 0
    period_seconds: int = 0
    renewable: bool = False
    uses_left: int = 0
    parent: str = ""
    renewed_at: float = 0.0
    type: str = SERVICE
    bound_cidrs: tuple[str, ...] = ()
    max_ttl_seconds: int = 0
    mount: str = ""
    role: str = ""
    token_role: str = ""
    namespace: str = ""
    alias: LoginAlias | None = None

    @property
    def is_batch(self) -> bool:
        """Whether the token is stored nowhere, so that it cannot be renewed, revoked or have children."""
        return self.type == BATCH

    @property
    def is_root(self) -> bool:
        """Whether the token may do everything."""
        return "root" in self.policies

    @property
    def ends_at(self) -> float:
        """Unix seconds at which the token ends by itself: 0 if it is used up, infinite for never."""
        return 0.0 if self.uses_left < 0 else self.expires_at or inf


class NewToken(msgspec.Struct, frozen=True):
    """A token at the one moment when its text exists."""

    token: str
    hash: str
    entry: TokenEntry


encode_entry = msgspec.msgpack.Encoder().encode
decode_entry = msgspec.msgpack.Decoder(TokenEntry).decode


class TokenHasher:
    """Turns tokens and accessors of one namespace into storage names.

    Args:
        key: 32 random bytes that live inside the barrier.
        namespace: the namespace.

    Attributes:
        namespace: as given.
        suffix: what tokens and accessors of the namespace end with.
    """

    __slots__ = ("_mac", "_prefix", "namespace", "suffix")

    def __init__(self, key: bytes | PreparedHmac, namespace: Namespace = ROOT) -> None:
        self._mac = key if isinstance(key, PreparedHmac) else PreparedHmac(key)
        self.namespace = namespace
        self.suffix = f".{namespace.id}" if namespace.id else ""
        self._prefix = f"{_OF_NAMESPACE}{namespace.id}." if namespace.id else ""

    def within(self, namespace: Namespace) -> "TokenHasher":
        """Return the same for another namespace."""
        return TokenHasher(self._mac, namespace)

    def token(self, token: str) -> str:
        """Return the storage name of a token."""
        return self._prefix + self._mac.hexdigest(token.encode())

    def accessor(self, accessor: str) -> str:
        """Return the storage name of an accessor; never equal to that of a token."""
        return self._prefix + self._mac.hexdigest(b"accessor\0" + accessor.encode())

    def accessor_of(self, token_hash: str, accessor: str) -> str:
        """Return the storage name of the accessor of a token, whichever namespace that is of."""
        return token_hash[:-_HASH_LENGTH] + self._mac.hexdigest(b"accessor\0" + accessor.encode())

    def owns(self, token_hash: str) -> bool:
        """Whether this is the name of a token of the namespace."""
        return token_hash[:-_HASH_LENGTH] == self._prefix and len(token_hash) >= _HASH_LENGTH

    def names(self, view: Reader, directory: str, *, limit: int) -> list[str]:
        """Return the first names in a directory that are of tokens of the namespace."""
        return list(islice(self.all_names(view, directory), limit))

    def all_names(self, view: Reader, directory: str) -> Iterator[str]:
        """Yield the names in a directory that are of tokens of the namespace."""
        after = self._prefix
        while page := view.list(directory, after=after, limit=_PAGE):
            for name in page:
                if not name.startswith(self._prefix or _HEX_DIGITS):
                    return  # those of other namespaces sort behind
                yield name
            after = page[-1]

    def lock(self, key: str) -> str:
        """Return what is stored of the key that unlocks a namespace."""
        return self._mac.hexdigest(b"unlock key\0" + key.encode())

    def proof(self, purpose: bytes, content: bytes) -> bytes:
        """Return what proves that something which is stored nowhere is from this store: 32 bytes."""
        return self._mac.digest(purpose + b"\0" + content)


def wrapped_key(token_hash: str) -> str:
    """Return where the answer lies that waits for the one use of a token."""
    return f"wrapped/{token_hash}"


def cubbyhole_prefix(token_hash: str) -> str:
    """Return below what lies what a token keeps for itself."""
    return f"cubbyhole/{token_hash}/"


def children_prefix(token_hash: str) -> str:
    """Return below what the children of a token are marked."""
    return f"parent/{token_hash}/"


def purge_mark(token_hash: str) -> str:
    """Return where a dead token is marked that has left something behind."""
    return f"{PURGES}{token_hash}"


def load(view: Reader, token_hash: str) -> TokenEntry | None:
    """Return the entry stored under ``token_hash``, or ``None``."""
    record = view.get(f"id/{token_hash}")
    return None if record is None else decode_entry(record)


def live_until(view: Reader, entry: TokenEntry) -> float:
    """Return the Unix second at which a token ends, by itself or with an ancestor: 0 if one is gone."""
    until = entry.ends_at
    while entry.parent:
        parent = load(view, entry.parent)
        if parent is None:
            return 0.0
        until = min(until, parent.ends_at)
        entry = parent
    return until


def load_live(view: Reader, token_hash: str, *, now: float) -> TokenEntry | None:
    """Return the entry stored under ``token_hash`` if the token may be used at ``now``, or ``None``."""
    entry = load(view, token_hash)
    return entry if entry is not None and now < live_until(view, entry) else None


def is_line_whole(view: Reader, entry: TokenEntry, known: dict[str, bool] | None = None) -> bool:
    """Whether every ancestor is stored; without one a token is dead, and only waits to be cleared away.

    Args:
        view: the token view.
        entry: of the token.
        known: what earlier calls found out about ancestors, for whoever asks about many tokens.
    """
    known = {} if known is None else known
    passed, ancestor = [], entry.parent
    while ancestor and ancestor not in known:
        above = load(view, ancestor)
        if above is None:
            known[ancestor] = False
        else:
            passed.append(ancestor)
            ancestor = above.parent
    is_whole = known[ancestor] if ancestor else True
    known.update(dict.fromkeys(passed, is_whole))
    return is_whole


def find_by_accessor(view: Reader, hasher: TokenHasher, accessor: str) -> tuple[str, TokenEntry] | None:
    """Return hash and entry of the token that ``accessor`` belongs to, or ``None``."""
    stored = view.get(f"accessor/{hasher.accessor(accessor)}")
    if stored is None:
        return None
    token_hash = stored.decode()
    entry = load(view, token_hash)
    return None if entry is None or not is_line_whole(view, entry) else (token_hash, entry)


def walk(view: Reader, hasher: TokenHasher) -> Iterator[tuple[str, TokenEntry]]:
    """Yield hash and entry of every stored token of a namespace, but for the dead without an ancestor."""
    known: dict[str, bool] = {}
    for token_hash in hasher.all_names(view, "id/"):
        entry = load(view, token_hash)
        if entry is not None and is_line_whole(view, entry, known):
            yield token_hash, entry


def all_stored(view: Reader) -> Iterator[TokenEntry]:
    """Yield the entry of every stored token of every namespace."""
    for token_hash in _names(view, "id/"):
        entry = load(view, token_hash)
        if entry is not None:
            yield entry


def list_accessors(view: Reader, hasher: TokenHasher) -> Iterator[str]:
    """Yield the accessor of every token that ``walk`` yields."""
    for _, entry in walk(view, hasher):
        yield entry.accessor


def create(tx: Transaction, hasher: TokenHasher, entry: TokenEntry, *, token: str | None = None) -> NewToken:
    """Store a new token and return it with its text.

    Args:
        tx: the token view.
        hasher: makes storage names of the namespace that it shall be of.
        entry: everything but the accessor, which is chosen here.
        token: a caller-chosen token text; random when ``None``.

    Raises:
        InvalidInputError: ``token`` is in use already, or was, and not all that it left is cleared away.
        LimitReachedError: a quota allows no more.
    """
    token = (new_token() if token is None else token) + hasher.suffix
    accessor = new_accessor() + hasher.suffix
    entry = msgspec.structs.replace(entry, accessor=accessor, namespace=hasher.namespace.uuid)
    token_hash = hasher.token(token)
    if tx.get(f"id/{token_hash}") is not None:
        raise InvalidInputError("id: expected a token id that is not in use")
    if tx.get(purge_mark(token_hash)) is not None:
        # It would inherit the cubbyhole of the token before it, and bring the children of that one to life.
        raise InvalidInputError(
            "id: expected a token id that is not in use; what a revoked token with this id has left is still "
            "being cleared away: try again in a minute, or choose another id"
        )
    count_one(tx, entry)
    tx.put(f"id/{token_hash}", encode_entry(entry))
    tx.put(f"accessor/{hasher.accessor(entry.accessor)}", token_hash.encode())
    if entry.parent:
        tx.put(children_prefix(entry.parent) + token_hash, b"")
    _mark_expiry(tx, token_hash, entry)
    return NewToken(token, token_hash, entry)


def renew(tx: Transaction, token_hash: str, *, increment_seconds: int, now: float) -> TokenEntry:
    """Extend a token and return its new entry.

    A periodic token gets its period again, at most the system maximum. Any other gets
    ``increment_seconds`` (its own TTL when 0) from now, but never past its own maximum, or else that of the
    system, counted from its creation. An explicit maximum, counted from creation too, ends both.

    Raises:
        UnauthenticatedError: there is no such live token.
        InvalidInputError: the token is not renewable.
    """
    entry = load_live(tx, token_hash, now=now)
    if entry is None:
        raise UnauthenticatedError("bad token", reason="expired")
    if not entry.renewable or not entry.expires_at:
        raise InvalidInputError("lease is not renewable")
    if entry.period_seconds:
        expires_at = now + min(entry.period_seconds, SYSTEM_MAX_TTL_SECONDS)
    else:
        expires_at = now + (increment_seconds or entry.ttl_seconds)
        expires_at = min(expires_at, entry.created_at + (entry.max_ttl_seconds or SYSTEM_MAX_TTL_SECONDS))
    if entry.explicit_max_ttl_seconds:
        expires_at = min(expires_at, entry.created_at + entry.explicit_max_ttl_seconds)
    _unmark_expiry(tx, token_hash, entry)
    entry = msgspec.structs.replace(entry, expires_at=expires_at, renewed_at=now)
    tx.put(f"id/{token_hash}", encode_entry(entry))
    _mark_expiry(tx, token_hash, entry)
    return entry


def use(tx: Transaction, token_hash: str, *, now: float) -> None:
    """Count one use of a token with limited uses; the last one leaves it used up.

    Nobody gets in with it from then on. It is removed a while later, because the request that was its last
    use is only about to begin.

    Raises:
        UnauthenticatedError: no use is left, or the token is gone.
    """
    entry = load_live(tx, token_hash, now=now)
    if entry is None:
        raise UnauthenticatedError("permission denied", reason="expired")
    if entry.uses_left:
        left = entry.uses_left - 1
        if not left:
            tx.put(_expiry_mark(token_hash, now + USED_UP_GRACE_SECONDS), b"")
        tx.put(f"id/{token_hash}", encode_entry(msgspec.structs.replace(entry, uses_left=left or -1)))


def revoke(tx: Transaction, hasher: TokenHasher, token_hash: str, *, keep_children: bool = False) -> None:
    """End a token and, unless ``keep_children``, everything descended from it. Unknown tokens are fine.

    It does not matter which namespaces these are of, nor which one ``hasher`` is for.

    Only what makes the token live goes at once, which is little however much depends on it: every descendant
    is dead without it. A mark says that there is a cubbyhole or a child; ``tokens.purge`` clears those away.
    Children that are kept have to be changed here, all of them.
    """
    entry = load(tx, token_hash)
    if entry is None:
        return
    if keep_children and is_line_whole(tx, entry):  # the children of a dead token are dead, and stay so
        for child in _names(tx, children_prefix(token_hash)):
            tx.delete(children_prefix(token_hash) + child)
            _orphan(tx, child)
    take_one_off(tx, entry)
    tx.delete(f"id/{token_hash}")
    tx.delete(wrapped_key(token_hash))
    tx.delete(f"accessor/{hasher.accessor_of(token_hash, entry.accessor)}")
    if entry.parent:
        tx.delete(children_prefix(entry.parent) + token_hash)
    _unmark_expiry(tx, token_hash, entry)
    if any(tx.list(left(token_hash), limit=1) for left in (cubbyhole_prefix, children_prefix)):
        tx.put(purge_mark(token_hash), b"")


def is_tidying_due(view: Reader, *, now: float) -> bool:
    """Whether ``tidy`` would find something to do."""
    return any(int(second.rstrip("/")) <= now for second in view.list("expiry/", limit=1))


def tidy(tx: Transaction, hasher: TokenHasher, *, now: float) -> int:
    """Revoke up to ``TIDY_BATCH`` tokens whose time has run out; return how many were found due."""
    due = 0
    for second in tx.list("expiry/", limit=TIDY_BATCH):
        if int(second.rstrip("/")) > now:
            break
        for token_hash in tx.list(f"expiry/{second}", limit=TIDY_BATCH - due):
            entry = load(tx, token_hash)
            # A mark may be that of a token which was used up, revoked, and made again with the same id.
            if entry is not None and entry.ends_at <= now:
                revoke(tx, hasher, token_hash)
            tx.delete(f"expiry/{second}{token_hash}")
            due += 1
        if due >= TIDY_BATCH:
            break
    return due


def _orphan(tx: Transaction, token_hash: str) -> None:
    entry = load(tx, token_hash)
    if entry is not None:
        tx.put(f"id/{token_hash}", encode_entry(msgspec.structs.replace(entry, parent="")))


def _mark_expiry(tx: Transaction, token_hash: str, entry: TokenEntry) -> None:
    if entry.expires_at:
        tx.put(_expiry_mark(token_hash, entry.expires_at), b"")


def _unmark_expiry(tx: Transaction, token_hash: str, entry: TokenEntry) -> None:
    if entry.expires_at:
        tx.delete(_expiry_mark(token_hash, entry.expires_at))


def _expiry_mark(token_hash: str, at: float) -> str:
    # Twelve digits keep the names in order of time; rounding up never revokes too early.
    return f"expiry/{int(at) + 1:012d}/{token_hash}"


def _names(view: Reader, prefix: str) -> list[str]:
    names: list[str] = []
    after = ""
    while page := view.list(prefix, after=after, limit=_PAGE):
        names.extend(name for name in page if not name.endswith("/"))
        after = page[-1]
    return names
