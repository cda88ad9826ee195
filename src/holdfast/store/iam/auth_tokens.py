"""The token that a login returns: written, and read back. Its form is that of DC/OS, to the claim.

    header    alg RS256, typ JWT, kid, gen, jti
    claims    uid, exp; nothing else

Verifiers elsewhere need the key with that ``kid`` and the two claims. The other members of the header are
for us: ``gen`` is the user's generation, which changes when all his tokens are to end, and ``jti`` tells this
token from every other, so that it can be revoked alone. Both are signed like the claims.
"""

from collections.abc import Callable
from secrets import token_urlsafe

import msgspec

from holdfast.tokens.compact import CompactToken, read_compact, write_compact
from holdfast.tokens.errors import Reason, TokenError
from holdfast.tokens.keys import Algorithm
from holdfast.tokens.rsa_key import RsaSigningKey, RsaVerifyingKey

TOKEN_ID_BYTES = 16
CLAIMS = frozenset({"uid", "exp"})
_DOTS = 2
_OF_STORE = ("hvs.", "hvb.")


class AuthToken(msgspec.Struct, frozen=True, gc=False):
    """What a genuine token says. Whether it still counts, it cannot know.

    Attributes:
        uid: whose it is.
        generation: the user's when it was made.
        token_id: its own.
        expires_at: Unix seconds.
    """

    uid: str
    generation: str
    token_id: str
    expires_at: int


def is_user_token(text: str) -> bool:
    """Whether ``text`` has the outer form of a user's token; no token of the store has it."""
    # A token of a namespace of the store has two dots as well; a JSON object in base64url begins otherwise.
    return text.count(".") == _DOTS and not text.startswith(_OF_STORE)


def write_auth_token(uid: str, generation: str, *, expires_at: int, key: RsaSigningKey) -> str:
    """Return a new token."""
    return write_compact(
        {"uid": uid, "exp": expires_at},
        key,
        further_header={"gen": generation, "jti": token_urlsafe(TOKEN_ID_BYTES)},
    )


def read_auth_token(text: str, key_of: Callable[[str], RsaVerifyingKey | None]) -> AuthToken:
    """Return what a token says, if one of our keys signed it.

    Args:
        text: as sent.
        key_of: returns the key of a key id, if it is ours and still trusted.

    Raises:
        TokenError: it is none of ours.
    """
    token = read_compact(text)
    if token.algorithm is not Algorithm.RS256:
        raise TokenError(Reason.UNSUPPORTED_ALGORITHM, "expected RS256")
    key = key_of(token.key_id)
    if key is None:
        raise TokenError(Reason.UNKNOWN_KEY, "its key is unknown, or was retired")
    key.verify(token.algorithm, token.signed, token.signature)
    return _content(token)


def _content(token: CompactToken) -> AuthToken:
    claims, header = token.unverified_claims, token.unverified_header  # verified by now
    if claims.keys() != CLAIMS:
        raise TokenError(Reason.INVALID_CLAIM, "expected the claims uid and exp, and no other")
    try:
        return msgspec.convert(
            {
                "uid": claims["uid"],
                "generation": header.get("gen"),
                "token_id": header.get("jti"),
                "expires_at": claims["exp"],
            },
            AuthToken,
        )
    except msgspec.ValidationError:
        raise TokenError(Reason.INVALID_CLAIM, "a member is not what it must be") from None
