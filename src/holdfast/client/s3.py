"""A question to an S3 service: do these keys open this bucket? Signed, bounded in time and size, and no more.

What the service says is never repeated: its error codes are known words, and anything else is said by number.
"""

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Timer
from urllib.parse import quote

from holdfast.client.address import Address
from holdfast.client.errors import (
    RemoteInvalidInputError,
    RemotePermissionDeniedError,
    RemoteUnavailableError,
)
from holdfast.client.reach import Lookup, Reach, connect_to, system_lookup
from holdfast.client.signature_v4 import AwsKeys, canonical_query, signed_headers
from holdfast.client.tls import TlsSettings
from holdfast.client.transport import Answer, Transport

CONNECT_SECONDS = 5.0
DEADLINE_SECONDS = 15.0
MAX_ANSWER_BYTES = 64 * 1024
DEFAULT_PORT = {"http": 80, "https": 443}

_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")

REFUSALS = {
    "InvalidAccessKeyId": "access_key: the service does not know it",
    "InvalidClientTokenId": "access_key: the service does not know it",
    "SignatureDoesNotMatch": "secret_key: it does not belong to the access key",
    "ExpiredToken": "access_key: it has expired",
    "InvalidToken": "access_key: the service does not accept it",
    "AccessDenied": "bucket: the keys may not list it",
    "AllAccessDisabled": "bucket: access to it is disabled",
    "AccountProblem": "access_key: its account has a problem at the service",
    "RequestTimeTooSkewed": "this node's clock differs too much from the service's",
}
MISTAKES = {
    "NoSuchBucket": "bucket: expected one that exists at the service",
    "InvalidBucketName": "bucket: the service does not accept the name",
    "AuthorizationHeaderMalformed": "region: expected the one that the service is in",
    "IllegalLocationConstraintException": "region: expected the one that the bucket is in",
    "SecondLevelDomainForbidden": "disable_path_style: the service wants bucket names in the host name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """Where a bucket is.

    Attributes:
        host: of the service.
        port: of the service.
        secure: whether to use TLS; the certificate is always checked.
        in_host_name: put the bucket in front of the host's name, rather than into the path.
        reach: which addresses the host may have.
        tls: whose certificates are believed.
    """

    host: str
    port: int
    secure: bool = True
    in_host_name: bool = False
    reach: Reach = Reach.PUBLIC
    tls: TlsSettings = field(default_factory=TlsSettings)

    def address(self, bucket: str) -> Address:
        """Return where to send a request about a bucket; empty for none."""
        host = f"{bucket}.{self.host}" if bucket and self.in_host_name else self.host
        return Address("https" if self.secure else "http", host, self.port)

    def path(self, bucket: str) -> str:
        """Return the path of a bucket."""
        return "/" if not bucket or self.in_host_name else f"/{quote(bucket, safe='-_.~')}"


class S3Client:
    """Asks one S3 service.

    Args:
        place: where it is.
        keys: who asks.
        now: the time, which the service compares with its own.
        deadline_seconds: when an answer under way is given up, however it drips in.
        lookup: finds the addresses of a host.
    """

    def __init__(
        self,
        place: S3Place,
        keys: AwsKeys,
        *,
        now: Callable[[], float] = time.time,
        deadline_seconds: float = DEADLINE_SECONDS,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._place = place
        self._keys = keys
        self._now = now
        self._deadline_seconds = deadline_seconds
        self._lookup = lookup

    def try_bucket(self, bucket: str) -> None:
        """Ask for none of a bucket's objects, which shows that the keys may list it.

        Raises:
            RemotePermissionDeniedError: the service refuses the keys.
            RemoteInvalidInputError: the bucket or the region is not there.
            RemoteUnavailableError: no answer, or one that makes no sense.
        """
        answer = self._get(bucket, canonical_query({"list-type": "2", "max-keys": "0"}))
        expect(answer, {HTTPStatus.OK})

    def try_keys(self) -> bool:
        """Ask for the names of all buckets; return whether the keys may have them.

        A key that may not is a good key all the same: the service says so only to those it knows.

        Raises:
            as ``try_bucket``
        """
        answer = self._get("", "")
        if answer.status == HTTPStatus.FORBIDDEN and code_of(answer) == "AccessDenied":
            return False
        expect(answer, {HTTPStatus.OK})
        return True

    def _get(self, bucket: str, query: str) -> Answer:
        address, path = self._place.address(bucket), self._place.path(bucket)
        port = "" if address.port == DEFAULT_PORT[address.scheme] else f":{address.port}"
        name = f"[{address.host}]" if ":" in address.host else address.host
        headers = signed_headers(self._keys, "GET", f"{name}{port}", path, query, now=self._now())
        with until(self._deadline_seconds) as watch:
            transport = Transport(
                address,
                tls=self._place.tls,
                timeout_seconds=self._deadline_seconds,
                retries=0,
                max_answer_bytes=MAX_ANSWER_BYTES,
                dial=lambda: watch(self._connect(address)),
            )
            try:
                return transport.send("GET", f"{path}?{query}" if query else path, headers=headers)
            finally:
                transport.close()

    def _connect(self, address: Address) -> socket.socket:
        return connect_to(
            address.host,
            address.port,
            reach=self._place.reach,
            timeout_seconds=CONNECT_SECONDS,
            lookup=self._lookup,
        )


def expect(answer: Answer, good: set[HTTPStatus]) -> None:
    """Raise for an answer whose status is none of the good ones; see ``S3Client.try_bucket``."""
    if answer.status in good:
        return
    code = code_of(answer)
    if code in REFUSALS:
        raise RemotePermissionDeniedError(REFUSALS[code])
    if code in MISTAKES:
        raise RemoteInvalidInputError(MISTAKES[code])
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise RemotePermissionDeniedError("the service refuses the keys")
    raise RemoteUnavailableError(
        f"endpoint: it answers with status {answer.status}, as no S3 service would here"
    )


def code_of(answer: Answer) -> str:
    """Return the error code of an answer, empty if it has none."""
    found = _CODE.search(answer.body)  # never an XML parser: the answer is somebody else's
    return found[1].decode() if found else ""


@contextmanager
def until(seconds: float) -> Iterator[Callable[[socket.socket], socket.socket]]:
    """Cut the connections that are handed in when the time is over, in whatever state they are.

    Raises:
        RemoteUnavailableError: the time was over.
    """
    copies: list[socket.socket] = []
    over = Event()

    def cut() -> None:
        over.set()
        for copy in copies:
            try:
                copy.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is over already

    def watch(connection: socket.socket) -> socket.socket:
        # TLS takes over the descriptor of a socket; a copy of it stays good for cutting the connection.
        copies.append(socket.socket(fileno=os.dup(connection.fileno())))
        connection.settimeout(seconds)
        return connection

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        for copy in copies:
            copy.close()
    if over.is_set():
        # What was read of an answer that was cut may look like a whole one.
        raise RemoteUnavailableError("endpoint: its answer took too long")
