"""How a login knew somebody: what a token remembers of it, so that requests can be told whose they are."""

import msgspec

_OF_THE_ROLE = "role"


class LoginAlias(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a login found out. Fields are only ever appended: their order is part of records and tokens.

    Attributes:
        mount: accessor of the auth mount.
        name: what tells this somebody from all others of the mount.
        metadata: what the login said about him, unless ``is_in_meta``.
        groups: groups that the login said he is in, as far as the store has a use for them.
        linked: whether the store had this alias on record; such a token ends with that record.
        home: uuid of the namespace that the mount is in; empty for the root namespace.
        is_in_meta: whether it is what the token itself shows as metadata, but for the role: tokens that are
            stored nowhere have no room for saying it twice.
    """

    mount: str
    name: str
    metadata: dict[str, str] = {}
    groups: tuple[str, ...] = ()
    linked: bool = False
    home: str = ""
    is_in_meta: bool = False

    def expanded(self, meta: dict[str, str]) -> "LoginAlias":
        """Return the same with its own metadata, given those of the token that it is in."""
        if not self.is_in_meta:
            return self
        metadata = {key: value for key, value in meta.items() if key != _OF_THE_ROLE}
        return msgspec.structs.replace(self, metadata=metadata, is_in_meta=False)
