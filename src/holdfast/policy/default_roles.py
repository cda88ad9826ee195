"""The four roles that every storage node has, with the rules of OpenStorage's role service (SDK 0.186).

Three of them are fixed. ``system.guest`` serves calls without a token; it is off unless it is switched
on, and its rules may be changed.
"""

from holdfast.policy.roles import Role, Rule

SYSTEM_ADMIN = Role("system.admin", (Rule(("*",), ("*",)),))

SYSTEM_VIEW = Role(
    "system.view",
    (
        Rule(("*",), ("*enumerate*", "inspect*", "stats", "status", "validate", "capacityusage", "watch")),
        Rule(("identity",), ("*",)),
    ),
)

SYSTEM_USER = Role(
    "system.user",
    (
        Rule(
            (
                "volume",
                "cloudbackup",
                "credentials",
                "objectstore",
                "schedulepolicy",
                "mountattach",
                "migrate",
            ),
            ("*",),
        ),
        Rule(("cluster", "node"), ("inspect*", "enumerate*")),
        Rule(("identity",), ("*",)),
        Rule(("policy",), ("*enumerate*", "*inspect*")),
    ),
)

GUEST_ENABLED = Role(
    "system.guest",
    (
        Rule(("mountattach", "volume", "cloudbackup", "migrate"), ("*",)),
        Rule(("identity",), ("version",)),
        Rule(("cluster", "node"), ("inspect*", "enumerate*")),
    ),
)

GUEST_DISABLED = Role("system.guest", (Rule(("!*",), ("!*",)),))


def default_roles(*, guest_access: bool = False) -> dict[str, Role]:
    """Return the default roles by name.

    Args:
        guest_access: let calls without a token reach the volume APIs, as the original does by default.
            Ownership still decides about each volume.
    """
    guest = GUEST_ENABLED if guest_access else GUEST_DISABLED
    return {role.name: role for role in (SYSTEM_ADMIN, SYSTEM_VIEW, SYSTEM_USER, guest)}
