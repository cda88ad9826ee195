"""What the REST side has beside the SDK's methods.

    /swagger.json    the OpenAPI description; for whoever may call Identity.Describe
    /metrics         how many calls had which outcome, for Prometheus; for whoever may call Metrics.Status
    /sdk/            a page to read the description with; it asks for a token, and says nothing by itself

Other servers of this SDK hand the first two to anybody, and so tell strangers which version runs and what is
called how often. Here both pass the gates like every call.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from holdfast.api.sdk.calls import Calls
from holdfast.api.sdk.openapi import document
from holdfast.http.message import JSON, build_response
from holdfast.node import apis
from holdfast.node.api import Api

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """One of them.

    Attributes:
        api: what the caller must be allowed to call; ``None`` for a page that says nothing.
        answer: makes the complete answer.
    """

    api: Api | None
    answer: Callable[[Calls], bytes]


def _description(_: Calls) -> bytes:
    return build_response(200, document(), content_type=JSON)


def _metrics(calls: Calls) -> bytes:
    lines = [
        "# HELP holdfast_sdk_calls_total Calls of the SDK by method and outcome.",
        "# TYPE holdfast_sdk_calls_total counter",
    ]
    counts = sorted((api.service, api.method, outcome, n) for (api, outcome), n in calls.counts().items())
    lines += [
        f'holdfast_sdk_calls_total{{service="{service}",method="{method}",code="{outcome}"}} {count}'
        for service, method, outcome, count in counts
    ]
    return build_response(200, "\n".join((*lines, "")).encode(), content_type=_TEXT)


@cache
def _page() -> bytes:
    html = (files("holdfast.api.sdk") / "page.html").read_bytes()
    allowed = (
        "default-src 'none'",
        f"script-src '{_hash(html, b'script')}'",
        f"style-src '{_hash(html, b'style')}'",
        "connect-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    )
    headers = (("Content-Security-Policy", "; ".join(allowed)), ("Referrer-Policy", "no-referrer"))
    return build_response(200, html, content_type="text/html; charset=utf-8", headers=headers)


def _hash(html: bytes, element: bytes) -> str:
    content = html.partition(b"<%b>" % element)[2].partition(b"</%b>" % element)[0]
    return f"sha256-{b64encode(sha256(content).digest()).decode()}"


PAGES: dict[tuple[str, ...], Page] = {
    ("swagger.json",): Page(apis.DESCRIBE, _description),
    ("metrics",): Page(apis.METRICS, _metrics),
    ("sdk",): Page(None, lambda _: _page()),
}
