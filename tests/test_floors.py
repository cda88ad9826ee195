"""Imports run downward only: the picture in docs/architecture.md, held to by reading every file's imports.

A room may import itself and what lies on a lower floor, never what lies above, and never a
neighbour on its own floor. Imports inside functions count: a late import saves time, not order.
Each floor below names its rooms by module path under ``holdfast``; a module belongs to the longest
room name that it starts with.
"""

import ast
from pathlib import Path

import pytest

import holdfast

SOURCE = Path(holdfast.__file__).parent

# From the ground up. The rooms of one floor do not know each other, except where NEIGHBOURS says so.
FLOORS = (
    ("errors", "version"),
    ("clock", "model"),
    ("crypto", "formats", "process", "storage"),
    ("barrier", "client"),
    ("audit", "engines", "http", "iam", "policy", "providers", "tokens", "volumes"),
    ("node", "store"),
    ("api.credentials",),
    ("api.dcos", "api.iam", "api.sdk", "api.vault", "ui"),
    ("cli", "noded", "server"),
)

# (room, neighbour) on one floor that may be imported, with the reason.
NEIGHBOURS = {
    ("cli", "server"): "`holdfast server` starts the store in the same process",
    ("cli", "noded"): "`holdfast node` starts the storage node in the same process",
}

# Words of the package's own top: the package marker, and packages that only group rooms.
UNRANKED = {"", "api"}

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def module_of(file: Path, source: Path) -> str:
    """Return a file's module path below ``holdfast``; a package's marker file stands for the package."""
    parts = file.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """Return the room a module is in, ``None`` for a module that no floor names."""
    words = module.split(".")
    for length in range(len(words), 0, -1):
        name = ".".join(words[:length])
        if name in FLOOR_OF:
            return name
    return None


def imports_of(file: Path, source: Path) -> set[str]:
    """Return the modules below ``holdfast`` that a file imports, at its top or anywhere inside."""
    package = module_of(file, source).split(".")
    if file.name != "__init__.py":
        package.pop()
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ["holdfast", *package][: len(package) + 2 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names}
    return {name.removeprefix("holdfast.") for name in found if name.startswith("holdfast.")}


def breaches_in(source: Path) -> list[str]:
    """Return a sentence for every import that runs upward or sideways."""
    breaches = []
    for file in sorted(source.rglob("*.py")):
        module = module_of(file, source)
        room = room_of(module)
        if room is None:
            if module not in UNRANKED:
                breaches.append(f"{module}: on no floor; add its room to FLOORS")
            continue
        for imported in sorted(imports_of(file, source)):
            other = room_of(imported)
            if other in {None, room} or (room, other) in NEIGHBOURS:
                continue
            if FLOOR_OF[other] >= FLOOR_OF[room]:
                direction = "upward" if FLOOR_OF[other] > FLOOR_OF[room] else "sideways"
                breaches.append(f"{module}: imports {imported}, {direction}")
    return breaches


def test_imports_run_downward_only():
    assert breaches_in(SOURCE) == []


def test_every_room_named_on_a_floor_exists():
    missing = [
        room
        for room in FLOOR_OF
        if not (path := SOURCE / room.replace(".", "/")).is_dir() and not path.with_suffix(".py").is_file()
    ]
    assert missing == []


def test_every_exception_names_rooms_of_one_floor():
    assert all(FLOOR_OF[room] == FLOOR_OF[other] for room, other in NEIGHBOURS)


@pytest.mark.parametrize(
    ("file", "text", "breach"),
    [
        pytest.param("model/path.py", "from holdfast.errors import HoldfastError", None, id="downward"),
        pytest.param("store/a.py", "from holdfast.store import b", None, id="own-room"),
        pytest.param("store/a.py", "from . import b", None, id="own-room-relative"),
        pytest.param("cli/a.py", "from holdfast.server import run", None, id="named-neighbour"),
        pytest.param("model/path.py", "import holdfast.store", "upward", id="upward"),
        pytest.param("model/path.py", "from holdfast import store", "upward", id="upward-from-the-top"),
        pytest.param("model/path.py", "from ..store import a", "upward", id="upward-relative"),
        pytest.param(
            "model/path.py", "def f():\n    from holdfast.store import a", "upward", id="in-a-function"
        ),
        pytest.param("audit/a.py", "from holdfast.tokens import verify", "sideways", id="sideways"),
        pytest.param(
            "api/vault/a.py", "from holdfast.api.dcos import b", "sideways", id="sideways-one-deeper"
        ),
        pytest.param("attic/a.py", "", "on no floor", id="room-without-a-floor"),
    ],
)
def test_the_check_sees(tmp_path, file, text, breach):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    breaches = breaches_in(tmp_path)
    assert [breach in line for line in breaches] == ([True] if breach else [])
