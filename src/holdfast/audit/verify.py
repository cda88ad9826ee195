"""Reading audit files back, and saying what was done to them since they were written."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.audit.chain import Link, read_link
from holdfast.crypto.mac import PreparedHmac

MOST_FINDINGS = 1000
"""Findings that are kept; a file that is not ours at all must not fill memory. All are counted."""


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


@dataclass(slots=True)
class Verifier:
    """Checks audit files of one device, which are read in the order in which they were written.

    Attributes:
        key: from ``chain.chain_key``.
        lines: lines that were read.
        faults: lines that are not as they were written.
        findings: the first of them.
    """

    key: bytes = field(repr=False)
    lines: int = 0
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)
    _chains: dict[bytes, _ChainState] = field(default_factory=dict)
    _mac: PreparedHmac = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._mac = PreparedHmac(self.key)

    @property
    def chains(self) -> int:
        """The number of chains that were met."""
        return len(self._chains)

    def read(self, name: str, lines: Iterable[bytes]) -> None:
        """Check one file.

        Args:
            name: to call it in findings.
            lines: each with or without its line feed.
        """
        for number, line in enumerate(lines, 1):
            text = line.rstrip(b"\n")
            if not text:
                continue  # what a sink puts after a line that was cut off by a full disk
            self.lines += 1
            link = read_link(text)
            fault = Fault.NOT_CHAINED if link is None else self._judge(link)
            if fault is not None:
                self.faults += 1
                if len(self.findings) < MOST_FINDINGS:
                    self.findings.append(Finding(name, number, fault))

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
        if not is_own:
            return Fault.ALTERED
        return self._judge_predecessor(link)

    def _judge_predecessor(self, link: Link) -> Fault | None:
        """Say whether the chain that this one follows is there to its end."""
        if link.after is None:
            return None
        before = self._chains.get(link.after[0])
        return Fault.CUT_OFF if before is not None and before.sequence < link.after[1] else None
