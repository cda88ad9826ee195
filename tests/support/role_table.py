"""The table of what the default roles allow in docs/roles-and-ownership.md, made from the roles themselves.

``.venv/bin/python -m tests.support.role_table`` writes it anew after an API was added.
"""

from itertools import pairwise
from pathlib import Path

from tests.support.sdk_services import SDK_SERVICES

from holdfast.node import apis
from holdfast.policy.default_roles import GUEST_ENABLED, SYSTEM_USER, SYSTEM_VIEW
from holdfast.policy.roles import decide_one

PAGE = Path(__file__).parents[2] / "docs" / "roles-and-ownership.md"
HEAD = """\
| Service | `system.view` | `system.user` | `system.guest`, switched on |
| --- | --- | --- | --- |
"""
END = "\n\n"
ROLES = (SYSTEM_VIEW, SYSTEM_USER, GUEST_ENABLED)


def methods_of_services():
    """Return the methods of every service, of the SDK and of our own, as they are written."""
    found = {service: set(methods) for service, methods in SDK_SERVICES.items()}
    for api in apis.ALL:
        found.setdefault(api.service.lower(), set()).add(api.method)
    return found


def cell(role, service, methods):
    allowed = sorted(method for method in methods if decide_one(role, service, method))
    if len(allowed) == len(methods) > 0:
        return "all"
    return ", ".join(allowed) or "-"


def reference():
    """Return the rows that should be there."""
    rows = {}
    for service, methods in methods_of_services().items():
        cells = [cell(role, service, methods) for role in ROLES]
        cells[1:] = ["the same" if now == was and "," in now else now for was, now in pairwise(cells)]
        rows.setdefault(tuple(cells), []).append(service)
    return "\n".join(f"| {', '.join(services)} | {' | '.join(cells)} |" for cells, services in rows.items())


def written():
    """Return the rows that are there."""
    return PAGE.read_text(encoding="utf-8").split(HEAD)[1].split(END)[0]


if __name__ == "__main__":
    before, after = PAGE.read_text(encoding="utf-8").split(HEAD)
    _, rest = after.split(END, 1)
    PAGE.write_text(f"{before}{HEAD}{reference()}{END}{rest}", encoding="utf-8")
