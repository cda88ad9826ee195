"""The storage node's own rooms import one way, as the rooms of the whole program do."""

from pathlib import Path

from tests.test_floors import imports_of, module_of

import holdfast

SOURCE = Path(holdfast.__file__).parent

# From the ground up. The rooms of one floor do not know each other; only those of the ground do.
FLOORS = (
    ("errors", "stored", "named_records", "api", "apis", "access"),
    ("inventory",),
    ("cluster",),
    ("keys",),
    ("credentials", "pairing", "policies", "roles", "tokens"),
    ("volume",),
    ("backups", "schedules"),
    ("node",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def test_every_room_imports_what_is_below_it_only():
    breaches = []
    for file in sorted((SOURCE / "node").rglob("*.py")):
        room = module_of(file, SOURCE).removeprefix("node").lstrip(".").split(".")[0]
        if not room:
            continue
        for imported in sorted(imports_of(file, SOURCE)):
            if not imported.startswith("node."):
                continue
            other = imported.split(".")[1]
            on_ground = FLOOR_OF[room] == 0 == FLOOR_OF[other]
            if other != room and not on_ground and FLOOR_OF[other] >= FLOOR_OF[room]:
                breaches.append(f"{file.relative_to(SOURCE)} imports {imported}")
    assert breaches == []
