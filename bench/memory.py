"""How much memory a server holds, and which processes listen at an address, as ``/proc`` tells (proc(5)).

Counted is the proportional share: a page that several processes map counts for each of them by a part, and
once for all of them together.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_BYTES_PER_UNIT = 1024
_LISTENS = "0A"
_NO_FIELDS: dict[str, int] = {}


@dataclass(frozen=True)
class Memory:
    """What processes hold.

    Attributes:
        total_bytes: everything that is resident.
        own_bytes: of that what is not the content of a file, and so cannot be dropped and read again.
    """

    total_bytes: int
    own_bytes: int


def memory_of(processes: Iterable[int]) -> Memory:
    """Return what processes hold together; one that has gone meanwhile holds nothing."""
    rows = [_fields(process) for process in processes]
    return Memory(
        sum(row.get("Pss", 0) for row in rows),
        sum(row.get("Pss_Anon", 0) + row.get("Pss_Shmem", 0) for row in rows),
    )


def listeners_at(url: str) -> Callable[[], list[int]]:
    """Return what finds the processes that listen at the port of a URL of this host.

    It finds none at another host, and none of other people's.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    is_here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return lambda: _listeners(port) if is_here else []


def sockets_of_listeners(table: str, port: int) -> set[str]:
    """Return the inode of every socket that listens on a port, from the text of ``/proc/net/tcp``."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {row[9] for row in rows if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port}


def _listeners(port: int) -> list[int]:
    tables = [path.read_text() for path in map(Path, ("/proc/net/tcp", "/proc/net/tcp6")) if path.exists()]
    links = {f"socket:[{inode}]" for table in tables for inode in sockets_of_listeners(table, port)}
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if links & _links(entry / "fd")]


def _links(directory: Path) -> set[str]:
    links = set()
    with suppress(OSError):  # gone, or somebody else's
        for entry in directory.iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                links.add(str(entry.readlink()))
    return links


def _fields(process: int) -> dict[str, int]:
    """Return the sizes of a process in bytes by their names."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return _NO_FIELDS
    return {
        name: int(value.split()[0]) * _BYTES_PER_UNIT for name, _, value in (x.partition(":") for x in lines)
    }
