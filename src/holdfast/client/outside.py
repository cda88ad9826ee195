"""Asking other machines something on behalf of a login: a provider for its keys, a cluster about a token.

The addresses are an administrator's, the moment is anybody's who logs in, so these requests are kept
narrow: HTTPS with a verified certificate (plain HTTP to this host alone), no redirects, seconds and not
minutes, an answer of bounded size, and no word of it in what a client is told. All of this blocks: in the
store call it from ``Login.outside``.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec

from holdfast.client.address import parse_address
from holdfast.client.tls import TlsSettings
from holdfast.client.transport import Answer, Transport
from holdfast.errors import HoldfastError, InvalidInputError, UnavailableError

TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 256 * 1024
MAX_OPEN = 64

log = logging.getLogger(__name__)


def check_url(url: str, *, field: str, ca_pem: str = "") -> str:
    """Return ``url`` without a trailing slash, if requests may go there.

    Raises:
        InvalidInputError: not HTTPS, nor plain HTTP on this host; or no certificates in ``ca_pem``.
    """
    if parse_address(url, field=field).scheme == "unix":
        raise InvalidInputError(f"{field}: expected https://host/path")
    if ca_pem:
        try:
            TlsSettings(ca_pem=ca_pem).context()
        except InvalidInputError:
            raise InvalidInputError(f"{field}: expected its CA certificate in PEM form") from None
    return url.rstrip("/")


def ask(
    url: str,
    *,
    ca_pem: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    what: str,
) -> Answer:
    """Send one request, GET or with a body POST, and return the answer, also one that refuses.

    Args:
        url: where to; see ``check_url``.
        ca_pem: the only authorities to trust; empty for those of this host.
        headers: sent as they are.
        body: JSON.
        what: whom we ask, for the client and the log.

    Raises:
        UnavailableError: no answer, or one that says nothing but to try later. Why is in the log.
    """
    try:
        transport, path = _way_to(url, ca_pem)
        answer = transport.send(
            "GET" if body is None else "POST",
            path,
            headers={"Accept": "application/json", "User-Agent": "holdfast", **(headers or {})},
            body=body,
            is_final=lambda _answer: True,
        )
    except HoldfastError as error:
        log.warning("%s: %s", what, error.message)
        raise _unavailable(what) from None
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        log.warning("%s: answered with status %d", what, answer.status)
        raise _unavailable(what)
    return answer


def _unavailable(what: str) -> UnavailableError:
    return UnavailableError(f"{what} cannot be asked at the moment: try again later")


@lru_cache(maxsize=MAX_OPEN)
def _way_to(url: str, ca_pem: str) -> tuple[Transport, str]:
    """Return connections that are kept open, for a handshake costs more than a question; and the path."""
    address = parse_address(url)
    transport = Transport(
        replace(address, base_path=""),
        tls=TlsSettings(ca_pem=ca_pem),
        timeout_seconds=TIMEOUT_SECONDS,
        max_answer_bytes=MAX_ANSWER_BYTES,
    )
    return transport, address.base_path or "/"


def get_document(url: str, *, ca_pem: str, headers: Mapping[str, str] | None = None, what: str) -> bytes:
    """Return what is at ``url``.

    Raises:
        UnavailableError: there is nothing that can be used. Why is in the log.
    """
    answer = ask(url, ca_pem=ca_pem, headers=headers, what=what)
    if answer.status != HTTPStatus.OK:
        log.warning("%s: answered with status %d", what, answer.status)
        raise _unavailable(what)
    return answer.body


def read_object(document: bytes, *, what: str) -> dict[str, Any]:
    """Return a JSON object that another machine sent.

    Raises:
        UnavailableError: it is none.
    """
    try:
        decoded = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        log.warning("%s: did not answer with a JSON object", what)
        raise _unavailable(what)
    return decoded
