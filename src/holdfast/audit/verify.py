"""Reading audit files back, and saying what was done to them since they were written."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from holdfast.audit.chain import Link, read_link
from holdfast.crypto.mac import PreparedHmac

MOST_FINDINGS = 1000
"""Findings that are kept; a file that is not ours at all must not fill memory. All are counted."""

_STARTS = (b'{"time":', b"<json:object ")


class Fault(StrEnum):
    """What is wrong with a line."""

    NOT_CHAINED = "carries no place in a chain: torn, inserted, or not written by a store"
    ALTERED = "is not what was written, or the line before it in its chain is not"
    MISSING = "comes after lines of its chain that are missing"
    REPEATED = "stands a second time, or was moved"
    HEADLESS = "is the first of its chain in these files, and not the first that was written"
    CUT_OFF = "continues a chain that has lost lines at its end"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line that is not as it was written.

    Attributes:
        file: the name it was read under.
        line: its number, from 1.
        fault: what is wrong.
    """

    file: str
    line: int
    fault: Fault


@dataclass(slots=True)
class _ChainState:
    previous: bytes
    sequence: int = -1


class _Claim(NamedTuple):
    """What a chain says about the one before it."""

    finding: Finding
    chain: bytes
    sequence: int


class Verifier:
    """Checks audit files of one device, which are read in the order in which they were written.

    Args:
        key: from ``chain.chain_key``.
        headers: whether something else put a header before each line, as a syslog receiver does; it is no
            part of what is checked.

    Attributes:
        lines: lines that were read.
    """

    def __init__(self, key: bytes, *, headers: bool = False) -> None:
        self._mac = PreparedHmac(key)
        self._headers = headers
        self.lines = 0
        self._faults = 0
        self._findings: list[Finding] = []
        self._claims: list[_Claim] = []
        self._chains: dict[bytes, _ChainState] = {}
        self._files: list[str] = []

    @property
    def chains(self) -> int:
        """The number of chains that were met."""
        return len(self._chains)

    @property
    def faults(self) -> int:
        """The number of lines, so far, that are not as they were written."""
        return self._faults + len(self._broken_claims())

    @property
    def findings(self) -> list[Finding]:
        """The first of them."""
        found = [*self._findings, *self._broken_claims()]
        order = {name: number for number, name in enumerate(self._files)}
        return sorted(found, key=lambda finding: (order[finding.file], finding.line))[:MOST_FINDINGS]

    def read(self, name: str, lines: Iterable[bytes]) -> None:
        """Check one file.

        Args:
            name: to call it in findings.
            lines: each with or without its line feed.
        """
        self._files.append(name)
        for number, line in enumerate(lines, 1):
            text = line.rstrip(b"\n")
            if not text:
                continue  # what a sink puts after a line that was cut off by a full disk or a lost connection
            self.lines += 1
            if self._headers:
                text = _without_header(text)
            link = read_link(text)
            fault = Fault.NOT_CHAINED if link is None else self._judge(link)
            if fault is not None:
                self._faults += 1
                if len(self._findings) < MOST_FINDINGS:
                    self._findings.append(Finding(name, number, fault))
            elif link is not None and link.after is not None:
                # A receiver may have read the end of one connection after the beginning of the next.
                self._claims.append(_Claim(Finding(name, number, Fault.CUT_OFF), *link.after))

    def _broken_claims(self) -> list[Finding]:
        """Return where a chain says that the one before it went on for longer than is there."""
        return [
            claim.finding
            for claim in self._claims
            if (before := self._chains.get(claim.chain)) is not None and before.sequence < claim.sequence
        ]

    def _judge(self, link: Link) -> Fault | None:
        state = self._chains.get(link.id)
        if state is None:
            state = self._chains[link.id] = _ChainState(link.id)
            if link.sequence:
                # What came before is in a file that was not given, or gone: nothing to check it with.
                state.sequence, state.previous = link.sequence, link.mac
                return Fault.HEADLESS
        elif link.sequence <= state.sequence:
            return Fault.REPEATED
        missing = link.sequence > state.sequence + 1
        is_own = hmac.compare_digest(self._mac.digest(state.previous + link.covered), link.mac)
        state.sequence, state.previous = link.sequence, link.mac
        if missing:
            return Fault.MISSING
        return None if is_own else Fault.ALTERED


def _without_header(text: bytes) -> bytes:
    places = [place for start in _STARTS if (place := text.find(start)) >= 0]
    return text[min(places) :] if places else text
