"""The token of a request: from the Authorization header, or from the cookie that a login sets.

A browser sends the cookie along with whatever another site makes it send. Such a site can send a GET, whose
answer it cannot read and which changes nothing here, and a POST; it cannot send PUT, PATCH or DELETE without
asking first, and it is never told yes. So the cookie counts for all methods but POST. Besides, it is
``SameSite=Strict``. Neither is enough alone: to a browser every port of a host is the same site, and a cookie
goes to all of them. So the cookie of a request that a browser sends for another origin does not count at all.
"""

from holdfast.errors import InvalidInputError

AUTH_COOKIE = "dcos-acs-auth-cookie"
_COOKIE_METHODS = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
_OWN = frozenset({b"same-origin", b"none"})  # none: somebody typed the address
_COOKIE_PREFIX = f"{AUTH_COOKIE}=".encode()


def token_of(method: str, headers: dict[bytes, bytes]) -> str:
    """Return the token that a request carries; empty if it carries none.

    Raises:
        InvalidInputError: two headers bring different ones.
    """
    credential = _authorization(headers.get(b"authorization", b""))
    if credential and headers.get(b"x-vault-token", credential) != credential:
        raise InvalidInputError("Authorization and X-Vault-Token: expected one token, not two")
    if not credential and method in _COOKIE_METHODS and not is_from_elsewhere(headers):
        credential = _cookie(headers.get(b"cookie", b""))
    return credential.decode("ascii") if credential.isascii() else ""


def is_from_elsewhere(headers: dict[bytes, bytes]) -> bool:
    """Whether a browser sends this for a page of another origin than the one that it is sent to.

    Every browser says ``Origin`` with a method that may change something, most say more; clients that are no
    browser say neither, and nobody can make them send a cookie.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in _OWN
    origin = headers.get(b"origin")
    return origin is not None and origin.partition(b"://")[2] != headers.get(b"host")


def _authorization(sent: bytes) -> bytes:
    if sent[:6].lower() == b"token=":
        return sent[6:].strip()
    if sent[:7].lower() == b"bearer ":
        return sent[7:].strip()
    return b""


def _cookie(sent: bytes) -> bytes:
    """Return the one auth cookie; with two of different content none counts, as one of them was planted."""
    found = {
        part.strip().removeprefix(_COOKIE_PREFIX)
        for part in sent.split(b";")
        if part.strip().startswith(_COOKIE_PREFIX)
    }
    return found.pop() if len(found) == 1 else b""
