"""The node's audit log: one JSON object a line for every decision, written before it takes effect.

Fields: ``time``, ``request``, ``peer``, ``decision`` (``allowed``, ``denied``, ``done``), ``gate``
(``token``, ``role``, ``ownership``), ``user``, ``subject``, ``issuer``, ``roles``, ``groups``,
``token_id``, ``api``, ``resource``, ``rule``, ``reason``. No token and no key is ever among them. A
decision that cannot be written is not carried out.
"""

import os
import threading
from pathlib import Path
from typing import Any, Protocol

import msgspec

from holdfast.clock import Clock, rfc3339
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.model import Principal


class DecisionSink(Protocol):
    """Where lines go."""

    def write(self, line: bytes) -> None:
        """Append one line that ends in a newline; raise ``OSError`` if it may not be there."""
        ...


class FileSink:
    """A file that only grows: mode 0600, never through a symbolic link.

    Raises:
        InvalidInputError: the file cannot be opened for appending.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise InvalidInputError(f"audit log: cannot be opened ({error.strerror})") from None

    def write(self, line: bytes) -> None:
        """Append one line in one write, so that lines of several processes do not mix."""
        if os.write(self._descriptor, line) != len(line):
            raise OSError("short write")

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class DecisionLog:
    """Writes decisions.

    Args:
        sink: where to.
        clock: the time on each line.
    """

    def __init__(self, sink: DecisionSink, clock: Clock) -> None:
        self._sink = sink
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
        line: dict[str, Any] = {"time": rfc3339(self._clock.now()), "decision": decision}
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
        encoded = msgspec.json.encode({name: value for name, value in line.items() if value not in {"", ()}})
        try:
            with self._guard:
                self._sink.write(encoded + b"\n")
        except OSError as error:
            raise UnavailableError(
                "the node's audit log cannot be written, so the request was refused",
                detail=str(error.strerror),
            ) from None
