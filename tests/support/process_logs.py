"""What the servers of a failed test said meanwhile: it belongs to the report of the failure.

Whoever starts a server names its log here. The report of a test that fails has what was added to those logs
since the test began, that of another test's server included: a fixture may have started it long ago.
"""

from contextlib import suppress
from pathlib import Path

MOST_BYTES = 4_000  # of each log, the newest

_starts: dict[Path, int] = {}
_lasting: set[Path] = set()
_module: list[Path] = []


def note(log: Path, *, lasting: bool = False) -> None:
    """Have the reports of failures tell what is added to a log.

    Args:
        log: the file.
        lasting: it is of a server that outlives the module of tests that started it.
    """
    _starts.setdefault(log, 0)
    if lasting:
        _lasting.add(log)


def begin(module: Path) -> None:
    """A test begins: what the logs say so far is none of its business.

    Args:
        module: the file of the test.
    """
    if _module != [module]:
        _module[:] = [module]
        for log in _starts.keys() - _lasting:
            del _starts[log]
    for log in _starts:
        _starts[log] = _size(log)


def sections() -> list[tuple[str, str]]:
    """Return titles and texts for a report: what was added to each log since the test began."""
    found = []
    for log, start in _starts.items():
        with suppress(OSError), log.open("rb") as file:
            file.seek(max(start, _size(log) - MOST_BYTES))
            if said := file.read().decode(errors="replace"):
                found.append((f"meanwhile in {log}", said))
    return found


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:  # not there yet, or gone with its test
        return 0
