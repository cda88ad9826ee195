"""Volumes that belong to nobody: who may use them, and a word about them at each start.

They were made before security was switched on, or by a guest. Unless a node is told that a migration is
under way, they serve the storage administrator alone; the original lets everybody do everything with them.
"""

from holdfast.errors import InvalidInputError
from holdfast.node.inventory.catalog import Catalog

PUBLIC = {"administrator": False, "public": True}

_MOST_COUNTED = 10_000
_ADOPT = (
    "list them with `hfctl volume list --ownerless`, give each away with `hfctl volume access update --owner`"
)


def read_ownerless(text: str) -> bool:
    """Return whether everybody may use what belongs to nobody.

    Raises:
        InvalidInputError: neither of the two words.
    """
    if text not in PUBLIC:
        raise InvalidInputError("--ownerless-volumes: expected administrator or public")
    return PUBLIC[text]


def ownerless_report(catalog: Catalog, *, is_public: bool) -> str:
    """Return what an operator should know of such volumes; empty if there is nothing to say."""
    count = len(catalog.ownerless(limit=_MOST_COUNTED))
    if not count:
        return "no volume is without an owner: --ownerless-volumes public can go" if is_public else ""
    some = "1 volume has" if count == 1 else f"{count} volumes have"
    who = (
        f"everybody may read, change and delete {'it' if count == 1 else 'them'}"
        if is_public
        else f"only the storage administrator reaches {'it' if count == 1 else 'them'}"
    )
    return f"{some} no owner, so {who}; {_ADOPT}"
