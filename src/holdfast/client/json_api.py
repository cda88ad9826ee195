"""JSON over a transport: encode the body, decode the answer, raise what the status says.

Each API client supplies how a credential is sent and how its server words an error.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from holdfast.client.errors import RemoteError, RemoteNotFoundError, RemoteUnavailableError
from holdfast.client.failure import failure
from holdfast.client.transport import Answer, Transport

USER_AGENT = "holdfast"

# Decoded query parameters; one of several values is repeated.
Query = Mapping[str, str | list[str]]

# The error document of one API: its text and its machine-readable reason, either may be empty.
ErrorReader = Callable[[dict[str, Any]], tuple[str, str]]


class JsonApi:
    """Requests with JSON bodies to one API.

    Args:
        transport: the connections.
        read_error: finds text and reason in an error document.
        is_final: whether a 5xx answer is the server's considered word and not worth repeating.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        read_error: ErrorReader,
        is_final: Callable[[Answer], bool] = lambda _: False,
    ) -> None:
        self._transport = transport
        self._read_error = read_error
        self._is_final = is_final

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str],
        query: Query | None = None,
    ) -> dict[str, Any]:
        """Send one request; return the answer's JSON object, ``{}`` for an empty body.

        Args:
            method: HTTP method.
            path: not yet percent-encoded, without query; with or without a leading slash.
            body: sent as JSON.
            headers: credentials and the like; never logged.
            query: decoded query parameters.

        Raises:
            RemoteError: the kind that the status stands for, with the server's words.
        """
        sent = dict(headers)
        encoded = None
        if body is not None:
            encoded = msgspec.json.encode(body)
            sent.setdefault("Content-Type", "application/json")
        return _object(self.exchange(method, path, encoded, headers=sent, query=query).body)

    def exchange(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        *,
        headers: Mapping[str, str],
        query: Query | None = None,
    ) -> Answer:
        """Send one request whose body, or whose answer's, need not be JSON; return the answer as it came.

        Args:
            method: HTTP method.
            path: not yet percent-encoded, without query; with or without a leading slash.
            content: sent as it is; ``headers`` say what it is.
            headers: credentials and the like; never logged. JSON is asked for unless they say otherwise.
            query: decoded query parameters.

        Raises:
            RemoteError: the kind that the status stands for, with the server's words.
        """
        target = "/" + quote(path.lstrip("/"), safe="/")
        if query:
            target += "?" + urlencode(query, doseq=True)
        sent = {"User-Agent": USER_AGENT, "Accept": "application/json", **headers}
        answer = self._transport.send(method, target, headers=sent, body=content, is_final=self._is_final)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._failure(answer)
        return answer

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def _failure(self, answer: Answer) -> RemoteError:
        try:
            document = _object(answer.body)
        except RemoteUnavailableError:  # a proxy's HTML page, say: the status still tells the kind
            document = {}
        text, reason = self._read_error(document)
        error = failure(answer.status, text, reason=reason)
        if isinstance(error, RemoteNotFoundError):
            error.answer = document
        return error


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RemoteUnavailableError("the server's answer is not a JSON object (is this the right address?)")
    return document
