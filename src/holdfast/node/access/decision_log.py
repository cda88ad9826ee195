"""The node's audit log: one JSON object a line for every decision, written before it takes effect.

Fields: ``time``, ``type`` (always ``decision``), ``decision`` (``allowed``, ``denied``, ``done``), ``user``,
``subject``, ``issuer``, ``roles``, ``groups``, ``token_id``, ``request``, ``correlation`` (an id that the
caller gave), ``peer``, ``api``, ``gate`` (``token``, ``role``, ``ownership``, ``secret``; none for a place
that is refused), ``kind``, ``resource``, ``rule``, ``reason``, ``before``, ``after``. Empty ones are left
out. No token and no key is ever among them. A decision that cannot be written is not carried out.

Lines end in their place in a chain, as those of the store do: see ``audit.chain``.
"""

import secrets
import threading
from itertools import count
from typing import Any

import msgspec

from holdfast.audit.chain import Chain
from holdfast.audit.errors import AuditSinkError
from holdfast.audit.sink import AuditSink
from holdfast.clock import Clock, rfc3339
from holdfast.errors import UnavailableError
from holdfast.model import Principal

_encode = msgspec.json.Encoder().encode
_EMPTY: tuple[Any, ...] = ("", (), None)

# Ids tie lines together, and nobody gains by guessing one. A number costs no system call.
_PROCESS_ID = secrets.token_hex(4)
_numbers = count(secrets.randbits(31))


class DecisionLog:
    """Writes decisions; safe to use from several threads.

    Args:
        sink: where to.
        key: of the chain, from ``audit.chain.chain_key``.
        clock: the time on each line.
    """

    def __init__(self, sink: AuditSink, *, key: bytes, clock: Clock) -> None:
        self._sink = sink
        self._chain = Chain(key)
        self._clock = clock
        self._guard = threading.Lock()

    def record(self, decision: str, principal: Principal | None, **fields: Any) -> None:
        """Write one decision.

        Args:
            decision: ``allowed``, ``denied`` or ``done``.
            principal: about whom; ``None`` when nobody was authenticated.
            fields: the other fields of the line; empty ones are left out.

        Raises:
            UnavailableError: it could not be written; the decision must not take effect.
        """
        line: dict[str, Any] = {"type": "decision", "decision": decision}
        if principal is not None:
            line |= {
                "user": principal.name,
                "subject": principal.subject,
                "issuer": principal.issuer,
                "roles": principal.roles,
                "groups": principal.groups,
                "token_id": principal.token_id,
            }
        line |= fields
        # Others wait at the guard, so all that can be done before is done here.
        members = _encode({name: value for name, value in line.items() if value not in _EMPTY})[1:-1]
        with self._guard:
            now = rfc3339(self._clock.now())  # taken in here, so that lines are in its order
            try:
                self._sink.write(self._chain.close(b'{"time":"%b",%b' % (now.encode(), members)))
            except AuditSinkError as error:
                self._chain.start_anew()
                raise UnavailableError(
                    "the node's audit log cannot be written, so the request was refused", detail=error.detail
                ) from None
            self._chain.taken()

    def reopen(self) -> None:
        """Go on in a new file of the same name, as after log rotation.

        Raises:
            AuditSinkError: it cannot be opened; the lines go on where they went.
        """
        with self._guard:
            self._sink.reopen()
            self._chain.start_anew()


def new_request_id() -> str:
    """Return an id by which the audit log knows a request, and its caller is told of it if it is refused."""
    return f"{_PROCESS_ID}{next(_numbers) & 0xFFFFFFFF:08x}"
