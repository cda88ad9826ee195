"""The authenticated who: what a verified credential says about its bearer, and nothing it merely claims."""

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whose credential was verified.

    Attributes:
        name: the unique user name that owns resources; taken from the configured claim.
        subject: the ``sub`` claim.
        issuer: who vouched for the bearer (``iss``); empty for a guest.
        display_name: for people and audit lines.
        email: contact, may be empty.
        roles: names of roles; empty means no role allows anything.
        groups: names of groups for ownership; ``*`` stands for every group.
        token_id: what the one token is revoked by: its ``jti`` claim, or a hash of it if it has none.
        expires_at: Unix seconds at which the credential ends, 0 for a guest.
        issued_at: Unix seconds at which it was issued.
        begun_at: Unix seconds at which the first one was issued that this one was renewed from.
        signed_with: fingerprint of the key that vouched for it; shown to nobody, and not in ``repr``.
    """

    name: str
    subject: str = ""
    issuer: str = ""
    display_name: str = ""
    email: str = ""
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    token_id: str = ""
    expires_at: int = 0
    issued_at: int = 0
    begun_at: int = 0
    signed_with: bytes = b""

    def __repr__(self) -> str:
        """Say who it is."""
        shown = (
            f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "signed_with"
        )
        return f"Principal({', '.join(shown)})"

    @property
    def is_guest(self) -> bool:
        """Whether nobody was authenticated. A guest owns nothing."""
        return self.name == ""


GUEST = Principal(name="", roles=("system.guest",))
