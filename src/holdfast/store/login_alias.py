"""How a login knew somebody: what a token remembers of it, so that requests can be told whose they are."""

import msgspec


class LoginAlias(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a login found out. Fields are only ever appended: their order is part of records and tokens.

    Attributes:
        mount: accessor of the auth mount.
        name: what tells this somebody from all others of the mount.
        metadata: what the login said about him.
        groups: groups that the login said he is in, as far as the store has a use for them.
        linked: whether the store had this alias on record; such a token ends with that record.
    """

    mount: str
    name: str
    metadata: dict[str, str] = {}
    groups: tuple[str, ...] = ()
    linked: bool = False
