"""Answers that wait: where they lie, and the one-time token that stands for each.

    wrapped/<token hash>    the answer, beside the token's own records (see ``tokens.records``)

An answer and its token are made in one transaction, and end in one: handed out, revoked, or run out. It is a
record of the barrier like any other, so nobody reads it without the store, and nobody finds it without the
token.
"""

from typing import Any

import msgspec

from holdfast.clock import rfc3339
from holdfast.errors import InvalidInputError
from holdfast.formats.strict_json import encode
from holdfast.policy.builtin import RESPONSE_WRAPPING
from holdfast.storage.interface import Reader, Transaction
from holdfast.store.request import Answer
from holdfast.store.tokens import records as token_records
from holdfast.store.tokens.records import TokenEntry, TokenHasher, wrapped_key

NOT_VALID = "wrapping token is not valid or does not exist"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Answer).decode


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """An answer that waits.

    Attributes:
        entry: of its token.
        answer: what was to be said.
    """

    entry: TokenEntry
    answer: Answer


def keep(
    tx: Transaction, hasher: TokenHasher, answer: Answer, *, path: str, seconds: int, now: float
) -> bytes:
    """Keep an answer and return what stands for it: the ``wrap_info`` of the Vault API.

    Args:
        tx: the token view.
        hasher: makes storage names.
        answer: what was to be said.
        path: of the request that it answers.
        seconds: for how long it is kept.
        now: Unix seconds.
    """
    entry = TokenEntry(
        accessor="",
        policies=(RESPONSE_WRAPPING,),
        path=path,
        display_name="",
        meta={},
        created_at=now,
        ttl_seconds=seconds,
        expires_at=now + seconds,
        explicit_max_ttl_seconds=seconds,
        uses_left=1,
    )
    new = token_records.create(tx, hasher, entry)
    tx.put(wrapped_key(new.hash), _encode(answer))
    info: dict[str, Any] = {
        "token": new.token,
        "accessor": new.entry.accessor,
        "ttl": seconds,
        "creation_time": rfc3339(now),
        "creation_path": path,
    }
    if accessor := _accessor_in(answer, path):
        info["wrapped_accessor"] = accessor
    return encode(info)


def _accessor_in(answer: Answer, path: str) -> str:
    """Return what an answer can be revoked by without being read: of a token, or of a secret id."""
    if answer.auth is not None:
        return str(msgspec.json.decode(answer.auth)["accessor"])
    if answer.data is None or not (path.startswith("auth/") and path.endswith("/secret-id")):
        return ""
    return str(msgspec.json.decode(answer.data).get("secret_id_accessor", ""))


def find(view: Reader, token_hash: str, *, now: float, is_counted: bool = False) -> Waiting:
    """Return the answer that waits for a token.

    Args:
        view: the token view.
        token_hash: of the token.
        now: Unix seconds.
        is_counted: whether its one use was taken off already, for this very request.

    Raises:
        InvalidInputError: none waits: it was handed out, has run out, or never was. All of these read alike.
    """
    entry, record = token_records.load(view, token_hash), view.get(wrapped_key(token_hash))
    if entry is None or record is None or now >= entry.expires_at:
        raise InvalidInputError(NOT_VALID)
    if entry.uses_left < 1 and not is_counted:
        raise InvalidInputError(NOT_VALID)
    return Waiting(entry, _decode(record))


def take(tx: Transaction, hasher: TokenHasher, token_hash: str, *, now: float, is_counted: bool) -> Waiting:
    """Remove the answer that waits for a token, and the token; return it. Arguments are those of ``find``.

    Raises:
        InvalidInputError: none waits.
    """
    waiting = find(tx, token_hash, now=now, is_counted=is_counted)
    token_records.revoke(tx, hasher, token_hash)
    return waiting
