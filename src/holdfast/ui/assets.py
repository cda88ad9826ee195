"""The files of the page, read once, each as the complete answers that it is sent in.

    static/index.html      the one document; everything else is loaded by it
    static/*.css, *.svg    how it looks
    static/*.js            ES modules, as they were written: nothing builds or bundles them

The policy sent along allows what these files do and nothing else. No script and no style may stand in a
document, text may not become markup, and nothing is loaded from or sent to another origin. So a secret's name
that looks like markup stays a name even if somebody forgets to think of it.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from holdfast.http.message import build_response

CONTENT_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}

_ALLOWED = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",  # forms are sent by script: a password must not end in an address
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
POLICY = "; ".join(_ALLOWED)

SAFETY_HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
"""On every answer of this room; every answer of the store has ``no-store`` and ``nosniff`` besides."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        etag: strong entity tag of its content, with the quotes.
        whole: the answer that carries it.
        unchanged: the answer to who has it already.
    """

    etag: bytes
    whole: bytes
    unchanged: bytes


def make_asset(name: str, content: bytes) -> Asset:
    """Return the answers for a file.

    Args:
        name: its name; the ending decides the content type.
        content: its bytes.
    """
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    whole = build_response(
        200,
        content,
        content_type=CONTENT_TYPES[name.rpartition(".")[2]],
        headers=(*SAFETY_HEADERS, ("ETag", etag)),
    )
    head = whole.partition(b"\r\n\r\n")[0].partition(b"\r\n")[2]
    return Asset(etag.encode(), whole, b"HTTP/1.1 304 Not Modified\r\n" + head + b"\r\n\r\n")


def load_assets() -> dict[str, Asset]:
    """Read the files that come with the package; return them by name."""
    folder = files("holdfast.ui").joinpath("static")
    return {file.name: make_asset(file.name, file.read_bytes()) for file in folder.iterdir()}
