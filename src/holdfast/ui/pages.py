"""Requests for the web page, answered from memory: which file, whether it changed, and nothing else.

    /                        goes on to /ui/
    /ui/                     the document
    /ui/<file>               what it loads
    /ui/settings.json        what the page must know before it asks the APIs anything

None of this needs a token, as none of it is secret: the same bytes go to everybody, sealed or not. What a
visitor may see is decided by the APIs that the page asks, not here. A query is not looked at.
"""

from collections.abc import Callable

from holdfast.formats.strict_json import encode
from holdfast.http.message import Request, build_response
from holdfast.ui.assets import SAFETY_HEADERS, load_assets, make_asset
from holdfast.version import VERSION

PREFIX = b"/ui/"
DOCUMENT = "index.html"
SETTINGS = "settings.json"
_READS = frozenset({"GET", "HEAD"})
_TO_THE_PAGE = frozenset({b"/", b"/ui"})

Reply = Callable[[bytes], None]


class Pages:
    """Answers requests for the page.

    Args:
        max_secret_bytes: the largest secret that the store takes; the page says so before it sends more.
    """

    def __init__(self, *, max_secret_bytes: int) -> None:
        self._assets = load_assets()
        settings = encode({"max_secret_bytes": max_secret_bytes, "version": VERSION})
        self._assets[SETTINGS] = make_asset(SETTINGS, settings)
        self._assets[""] = self._assets[DOCUMENT]

    @staticmethod
    def owns(target: bytes) -> bool:
        """Whether a request target is one of the page's."""
        return target.startswith(PREFIX) or target.partition(b"?")[0] in _TO_THE_PAGE

    def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request at once."""
        path = request.target.partition(b"?")[0]
        asset = self._assets.get(path.removeprefix(PREFIX).decode("latin-1"))
        if request.method not in _READS:
            reply(_refusal(405, "expected GET or HEAD", ("Allow", "GET, HEAD")))
        elif path in _TO_THE_PAGE:
            reply(build_response(307, content_type="", headers=(*SAFETY_HEADERS, ("Location", "/ui/"))))
        elif asset is None:
            reply(_refusal(404, "there is no such page: the store's page is at /ui/"))
        elif _has(asset.etag, request.headers.get(b"if-none-match", b"")):
            reply(asset.unchanged)
        else:
            reply(asset.whole)


def _has(etag: bytes, if_none_match: bytes) -> bool:
    """Whether a client holds this version; a proxy on the way may have marked the tag as weak."""
    known = (one.strip().removeprefix(b"W/") for one in if_none_match.split(b","))
    return any(one in {etag, b"*"} for one in known)


def _refusal(status: int, text: str, *headers: tuple[str, str]) -> bytes:
    return build_response(
        status,
        f"{text}\n".encode(),
        content_type="text/plain; charset=utf-8",
        headers=(*SAFETY_HEADERS, *headers),
    )
