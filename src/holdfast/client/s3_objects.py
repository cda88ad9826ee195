"""Objects in one bucket of an S3 service: put, get, list, delete; bounded in time, in size and in tries.

The service is not trusted. An answer is cut off when its time is over, however it drips in; one that is
longer than any object of ours is refused; a listing has to be in order, and to end. Every request may be
repeated, because an object of ours is only ever written with the same meaning.
"""

import hashlib
import os
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from holdfast.client.errors import RemoteUnavailableError
from holdfast.client.reach import Lookup, connect_to, system_lookup
from holdfast.client.s3 import CONNECT_SECONDS, DEFAULT_PORT, S3Place, code_of, expect
from holdfast.client.signature_v4 import AwsKeys, canonical_query, signed_headers
from holdfast.client.transport import Answer, Transport

DEADLINE_SECONDS = 60.0
MAX_ANSWER_BYTES = 4 << 20
WAITS_SECONDS = (0.2, 1.0)
LISTED_AT_ONCE = 1000
MAX_LISTINGS = 20_000  # of the requests that one walk may take
PASSING = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,1000}")
_ENTRY = re.compile(rb"<Contents>(.*?)</Contents>", re.DOTALL)
_KEY = re.compile(rb"<Key>([A-Za-z0-9][A-Za-z0-9/._-]{0,1000})</Key>")
_SIZE = re.compile(rb"<Size>([0-9]{1,15})</Size>")


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing tells it.

    Attributes:
        name: of the object.
        size: in bytes.
    """

    name: str
    size: int


class S3Objects:
    """The objects of one bucket. Any number of threads may use it; each has a connection of its own.

    Args:
        place: where the service is.
        keys: who asks.
        bucket: which bucket.
        put_headers: sent with every new object.
        now: the time, which the service compares with its own.
        deadline_seconds: when an answer under way is given up.
        lookup: finds the addresses of a host.
        sleep: how to wait between two tries.
    """

    def __init__(
        self,
        place: S3Place,
        keys: AwsKeys,
        bucket: str,
        *,
        put_headers: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
        deadline_seconds: float = DEADLINE_SECONDS,
        lookup: Lookup = system_lookup,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._place = place
        self._keys = keys
        self._bucket = bucket
        self._put_headers = dict(put_headers or {})
        self._now = now
        self._deadline_seconds = deadline_seconds
        self._lookup = lookup
        self._sleep = sleep
        self._guard = threading.Lock()
        self._links: dict[threading.Thread, _Link] = {}

    def put(self, name: str, body: bytes) -> None:
        """Store an object, over what is there.

        Raises:
            RemotePermissionDeniedError, RemoteInvalidInputError: the service refuses.
            RemoteUnavailableError: no answer, or one that makes no sense.
        """
        answer = self._ask("PUT", name, body=body, headers=self._put_headers)
        expect(answer, {HTTPStatus.OK})

    def get(self, name: str, *, max_bytes: int = MAX_ANSWER_BYTES) -> bytes | None:
        """Return an object, ``None`` if there is none.

        Raises:
            RemoteUnavailableError: no answer, one that makes no sense, or a longer object than that.
            as ``put``
        """
        answer = self._ask("GET", name)
        if answer.status == HTTPStatus.NOT_FOUND and code_of(answer) in {"NoSuchKey", ""}:
            return None
        expect(answer, {HTTPStatus.OK})
        if len(answer.body) > max_bytes:
            raise RemoteUnavailableError("endpoint: an object there is longer than was ever stored")
        return answer.body

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield all objects whose names begin with ``prefix``, in order; raises as ``put``."""
        after = ""
        for _ in range(MAX_LISTINGS):
            query = {"list-type": "2", "max-keys": str(LISTED_AT_ONCE), "prefix": prefix}
            answer = self._ask("GET", "", query={**query, "start-after": after} if after else query)
            expect(answer, {HTTPStatus.OK})
            entries = _ENTRY.findall(answer.body)
            for entry in entries:
                key, size = _KEY.search(entry), _SIZE.search(entry)
                name = key[1].decode() if key else ""
                if not key or not size or not name.startswith(prefix) or name <= after:
                    raise RemoteUnavailableError("endpoint: its listing is not what was asked for")
                after = name
                yield Listed(name, int(size[1]))
            if b"<IsTruncated>true</IsTruncated>" not in answer.body:
                return
            if not entries:
                break
        raise RemoteUnavailableError("endpoint: its listing does not come to an end")

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error. Raises as ``put``."""
        for start in range(0, len(names), LISTED_AT_ONCE):
            keys = "".join(
                f"<Object><Key>{_checked(name)}</Key></Object>"
                for name in names[start : start + LISTED_AT_ONCE]
            )
            body = f"<Delete><Quiet>true</Quiet>{keys}</Delete>".encode()
            # What the protocol asks for here is this digest; nothing rests on it.
            digest = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
            answer = self._ask("POST", "", query={"delete": ""}, body=body, headers={"Content-MD5": digest})
            expect(answer, {HTTPStatus.OK})
            if b"<Error>" in answer.body:
                expect(Answer(HTTPStatus.FORBIDDEN, "", answer.body), set())

    def close(self) -> None:
        """Close all connections."""
        with self._guard:
            links, self._links = list(self._links.values()), {}
        for link in links:
            link.close()

    def _ask(
        self,
        method: str,
        name: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        path = self._place.path(self._bucket)
        if name:
            path = f"{path.rstrip('/')}/{quote(_checked(name), safe='/-_.~')}"
        asked = canonical_query(query or {})
        target = f"{path}?{asked}" if asked else path

        def once() -> Answer:
            signed = signed_headers(
                self._keys, method, self._host(), path, asked, now=self._now(), body=body, headers=headers
            )
            return self._link().send(method, target, signed, body)

        for wait in WAITS_SECONDS:
            try:
                answer = once()
            except RemoteUnavailableError:
                self._sleep(wait)
                continue
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and code_of(answer) not in PASSING:
                return answer
            self._sleep(wait)
        return once()

    def _host(self) -> str:
        address = self._place.address(self._bucket)
        port = "" if address.port == DEFAULT_PORT[address.scheme] else f":{address.port}"
        host = f"[{address.host}]" if ":" in address.host else address.host
        return f"{host}{port}"

    def _link(self) -> "_Link":
        me = threading.current_thread()
        with self._guard:
            link = self._links.get(me)
            if link is None:
                link = self._links[me] = _Link(
                    self._place, self._bucket, self._lookup, self._deadline_seconds
                )
            return link


class _Link:
    """One thread's connection, which is cut when an answer takes too long."""

    def __init__(self, place: S3Place, bucket: str, lookup: Lookup, seconds: float) -> None:
        self._place = place
        self._address = place.address(bucket)
        self._lookup = lookup
        self._seconds = seconds
        self._sockets: list[socket.socket] = []
        self._transport: Transport | None = None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._transport is None:
            self._transport = Transport(
                self._address,
                tls=self._place.tls,
                timeout_seconds=self._seconds,
                retries=0,
                max_answer_bytes=MAX_ANSWER_BYTES,
                dial=self._dial,
            )
        over = threading.Event()
        timer = threading.Timer(self._seconds, self._cut, (over,))
        timer.daemon = True
        timer.start()
        try:
            answer = self._transport.send(method, target, headers=headers, body=body or None)
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
        if over.is_set():  # what was read of an answer that was cut may look like a whole one
            self.close()
            raise RemoteUnavailableError("endpoint: its answer took too long")
        return answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        for copy in self._sockets:
            copy.close()
        self._sockets = []

    def _dial(self) -> socket.socket:
        connection = connect_to(
            self._address.host,
            self._address.port,
            reach=self._place.reach,
            timeout_seconds=CONNECT_SECONDS,
            lookup=self._lookup,
        )
        for copy in self._sockets:
            copy.close()
        # TLS takes over the descriptor of a socket; a copy of it stays good for cutting the connection.
        self._sockets = [socket.socket(fileno=os.dup(connection.fileno()))]
        connection.settimeout(self._seconds)
        return connection

    def _cut(self, over: threading.Event) -> None:
        over.set()
        for copy in list(self._sockets):
            with suppress(OSError):
                copy.shutdown(socket.SHUT_RDWR)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("an object's name has characters that ours never have")
    return name
