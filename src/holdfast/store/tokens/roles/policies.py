"""Which policies a token made by a role gets: what the role allows, whatever its maker has.

Where a role names what is allowed, tokens get a part of that, or all of it if nothing is asked for. Where it
names only what is not, they get what is asked for. ``default`` comes along unless one of the two says no.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from holdfast.errors import InvalidInputError
from holdfast.store.tokens.roles.records import TokenRole


def policies_by_role(
    role: TokenRole, asked: Iterable[str], own: Iterable[str], *, with_default: bool
) -> set[str]:
    """Return the policies of a new token.

    Args:
        role: what the token is made by; it ``says_which_policies``.
        asked: folded names; none for what the role gives.
        own: those of the token that makes it.
        with_default: whether the request wants ``default``.

    Raises:
        InvalidInputError: something was asked for that the role does not allow.
    """
    wanted, with_default = set(asked), with_default and not role.no_default_policy
    if role.allowed or role.allowed_globs:
        refused = {
            name
            for name in wanted
            if name not in role.allowed and name != "default" and not _matches(name, role.allowed_globs)
        }
        if refused:
            raise InvalidInputError("policies: expected a part of those that the role allows")
        wanted = wanted or set(role.allowed)
    else:
        wanted = wanted or set(own)
    if with_default and not _is_disallowed(role, "default"):
        wanted.add("default")
    if any(_is_disallowed(role, name) for name in wanted):
        raise InvalidInputError("policies: expected none that the role disallows")
    return wanted


def may_use_alias(role: TokenRole, name: str) -> bool:
    """Whether a token made by the role may belong to the entity with this alias."""
    return _matches(name, role.allowed_entity_aliases)


def _is_disallowed(role: TokenRole, name: str) -> bool:
    return name in role.disallowed or _matches(name, role.disallowed_globs)


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    # In these patterns only a star means something; what else fnmatch knows is taken as it is.
    return any(fnmatchcase(name, glob.replace("[", "[[]").replace("?", "[?]")) for glob in globs)
