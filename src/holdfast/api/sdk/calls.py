"""One call's way through the node, the same whichever wire it came by.

1. correlation: an id that the caller gave the call is taken along if it is well-formed.
2. authenticate and authorise: token and role, before anything of the request is looked at. Of one caller only
   so many calls go on at once, so that nobody whose calls wait for something keeps others from being served.
3. the call itself: bytes become a message, the handler passes the ownership gate and does the work.
4. access log: method, outcome and how long it took; a call that went well only where that is asked for.
5. counts: calls by method and outcome.

The last two happen however the call ends.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from holdfast.api.sdk.errors import classify
from holdfast.api.sdk.streams import Streams
from holdfast.api.sdk.table import NEVER, Call
from holdfast.errors import (
    HoldfastError,
    InternalError,
    LimitReachedError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from holdfast.http.answers import report_defect
from holdfast.model import Principal
from holdfast.node.access.decision_log import new_request_id
from holdfast.node.api import Admission, Api
from holdfast.node.host_trouble import host_trouble
from holdfast.node.node import Node
from holdfast.process.defect import describe_defect

_CORRELATION = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TOKEN = re.compile(rb"[!-~]+")  # what can be seen in ASCII; no blank, no end of a line

_log = logging.getLogger(__name__)
ACCESS_LOG = "holdfast.access"
MAX_CALLS_OF_ONE = 32  # half of the threads of either wire
_access = logging.getLogger(ACCESS_LOG)


class Refusal(Exception):  # noqa: N818 - the answer to a call, and no error of ours
    """How a call ended that did not end well.

    Attributes:
        error: what the caller is told.
        request: our id of the call, as the audit log has it.
    """

    def __init__(self, error: HoldfastError, request: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.request = request


class Calls:
    """The calls of one node.

    Args:
        node: whose services are called.

    Attributes:
        streams: the calls that go on for as long as their caller listens.
    """

    def __init__(self, node: Node) -> None:
        self.streams = Streams()
        self._node = node
        self._counting = Lock()
        self._counts: Counter[tuple[Api, str]] = Counter()
        self._under_way: Counter[tuple[str, str]] = Counter()

    def is_serving(self) -> bool:
        """Whether the node can serve at all; for whoever asks how it fares."""
        return self._node.cluster.is_serving()

    @contextmanager
    def passing(
        self, api: Api, authorization: bytes, correlation: bytes, *, peer: str, over: Event = NEVER
    ) -> Iterator[Call]:
        """Take one call its way; the block is its third step.

        Args:
            api: what is called.
            authorization: the header or metadata of that name; empty if there is none.
            correlation: the id that the caller gave the call; empty if there is none.
            peer: address of the caller.
            over: set when the caller is gone or the node stops.

        Raises:
            Refusal: a gate or the block refused, or something broke.
        """
        started, outcome, request = time.perf_counter(), "OK", new_request_id()
        try:
            known = correlation.decode("ascii") if _CORRELATION.fullmatch(correlation) else ""
            try:
                token = bearer_token(authorization)
            except UnauthenticatedError as error:
                self._node.turn_away(error, api, peer=peer, correlation=known, request=request)
                raise
            admission = self._node.admit(token, api, peer=peer, correlation=known, request=request)
            is_stream = over is not NEVER
            with self._one_of_few(admission.principal, is_stream=is_stream), self._noting(admission):
                yield Call(self._node, admission, over, lambda: self._node.recheck(token, admission))
        except Exception as error:  # noqa: BLE001 - the last resort: a defect is logged and answered
            refusal = told(error)
            outcome = classify(refusal)[0].name
            raise Refusal(refusal, request) from None
        finally:
            level = logging.DEBUG if outcome == "OK" else logging.INFO
            if _access.isEnabledFor(level):
                taken = (time.perf_counter() - started) * 1000
                _access.log(level, "%s %s %s %s %.1f ms", request, peer, api.full_method, outcome, taken)
            with self._counting:
                self._counts[api, outcome] += 1

    @contextmanager
    def _noting(self, admission: Admission) -> Iterator[None]:
        """Have every refusal of an admitted caller in the audit log, wherever in the work it comes from."""
        try:
            yield
        except PermissionDeniedError as error:
            self._node.note_refusal(admission, error)
            raise

    @contextmanager
    def _one_of_few(self, principal: Principal, *, is_stream: bool) -> Iterator[None]:
        """Count a call as its caller's while it goes on; guests count as one, streams elsewhere."""
        if is_stream:
            yield
            return
        who = (principal.issuer, principal.name)
        with self._counting:
            if self._under_way[who] >= MAX_CALLS_OF_ONE:
                raise LimitReachedError(f"expected at most {MAX_CALLS_OF_ONE} calls of one user at a time")
            self._under_way[who] += 1
        try:
            yield
        finally:
            with self._counting:
                self._under_way[who] -= 1
                if not self._under_way[who]:
                    del self._under_way[who]

    def counts(self) -> dict[tuple[Api, str], int]:
        """Return how many calls of each API had each outcome."""
        with self._counting:
            return dict(self._counts)


def bearer_token(authorization: bytes) -> str | None:
    """Return the token of a call, ``None`` if it has none and is a guest's.

    Raises:
        UnauthenticatedError: there is a credential, but not of the form ``bearer <token>``.
    """
    value = authorization.strip(b" \t")
    if not value:
        return None
    scheme, _, token = value.partition(b" ")
    if scheme.lower() != b"bearer" or not _TOKEN.fullmatch(token):
        raise UnauthenticatedError("Invalid or missing authentication token", reason="malformed")
    return token.decode("ascii")


def told(error: Exception) -> HoldfastError:
    """Return what a caller is told about an error; log what only the operator is to know."""
    if isinstance(error, HoldfastError) and not isinstance(error, InternalError):
        if error.detail:
            _log.info("%s: %s", type(error).__name__, error.detail)
        return error
    if (trouble := host_trouble(error)) is not None:
        _log.warning("%s: %s", trouble.message, describe_defect(error))
        return trouble
    return InternalError(report_defect(error))
