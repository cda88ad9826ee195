"""The notes inside a LUKS2 header about who opens which keyslot; never key material.

Token 0 says which secret opens the volume. An old volume finds its old key by it, also on another host
and after a restore from a backup. Token 1, if there is one, says which keyslot a recovery key opens, or is to
open once it is made. Token 2 is there while a volume with integrity grows (``integrity``), and says how large
it is to become:

    {"type": "holdfast", "keyslots": ["1"], "provider": "vault", "path": "secret/hf/vol1", "version": 3}
    {"type": "holdfast-recovery", "keyslots": ["2"]}
    {"type": "holdfast-recovery", "keyslots": [], "planned": "2"}
    {"type": "holdfast-growth", "keyslots": [], "size": "1073741824"}
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from holdfast.volumes.errors import DamagedHeaderError
from holdfast.volumes.luks_read import GROWTH_TOKEN_TYPE, Luks2Header

TOKEN_NUMBER = 0
TOKEN_TYPE = "holdfast"  # noqa: S105 (a type, not a credential)
RECOVERY_TOKEN_NUMBER = 1
RECOVERY_TOKEN_TYPE = "holdfast-recovery"  # noqa: S105 (as above)
GROWTH_TOKEN_NUMBER = 2


@dataclass(frozen=True, slots=True)
class KeyReference:
    """Where the key of a volume is kept.

    Attributes:
        provider: the name of the secrets provider.
        path: the name of the secret there.
        version: the version of the secret; ``None`` where the provider keeps no versions.
        namespace: the provider's namespace, empty where it has none.
    """

    provider: str
    path: str
    version: int | None = None
    namespace: str = ""

    def to_token(self, slot: int) -> bytes:
        """Write the note for the keyslot that the key opens, as JSON."""
        token: dict[str, Any] = {"type": TOKEN_TYPE, "keyslots": [str(slot)]}
        token |= {"provider": self.provider, "path": self.path}
        if self.version is not None:
            token["version"] = self.version
        if self.namespace:
            token["namespace"] = self.namespace
        return json.dumps(token).encode()


@dataclass(frozen=True, slots=True)
class NotedKey:
    """A note as found in a header.

    Attributes:
        reference: where the key is kept.
        slots: the keyslots it opens; empty when they were removed since.
    """

    reference: KeyReference
    slots: tuple[int, ...]


def noted_key(header: Luks2Header) -> NotedKey | None:
    """Return the note in a header, or ``None`` if it has none of ours.

    Raises:
        DamagedHeaderError: it says it is ours, and is not of the form above.
    """
    token = header.metadata["tokens"].get(str(TOKEN_NUMBER))
    if not isinstance(token, dict) or token.get("type") != TOKEN_TYPE:
        return None
    match token:
        case {"keyslots": [*numbers], "provider": str(provider), "path": str(path)} if all(
            isinstance(number, str) and number.isascii() and number.isdecimal() for number in numbers
        ):
            version, namespace = token.get("version"), token.get("namespace", "")
            if (version is None or type(version) is int) and isinstance(namespace, str):
                reference = KeyReference(provider, path, version, namespace)
                return NotedKey(reference, tuple(int(number) for number in numbers))
    raise DamagedHeaderError("the volume's key reference is not of the expected form")


def recovery_token(slot: int) -> bytes:
    """Write the note for the keyslot that a recovery key opens, as JSON."""
    return json.dumps({"type": RECOVERY_TOKEN_TYPE, "keyslots": [str(slot)]}).encode()


def planned_recovery_token(slot: int) -> bytes:
    """Write the note for the keyslot that a recovery key is about to get, as JSON."""
    return json.dumps({"type": RECOVERY_TOKEN_TYPE, "keyslots": [], "planned": str(slot)}).encode()


def planned_recovery_slots(header: Luks2Header) -> tuple[int, ...]:
    """Return the keyslot in use that was made for a recovery key which nobody was given; empty if none was.

    One that the volume's own key has got meanwhile is none.
    """
    match header.metadata["tokens"].get(str(RECOVERY_TOKEN_NUMBER)):
        case {"type": "holdfast-recovery", "keyslots": [], "planned": str(planned)}:
            noted = noted_key(header)
            own = noted.slots if noted else ()
            return tuple(slot for slot in header.keyslots if str(slot) == planned and slot not in own)
    return ()


def recovery_slots(header: Luks2Header) -> tuple[int, ...]:
    """Return the keyslots that a recovery key opens; empty if there is none, or if it is no note of ours."""
    match header.metadata["tokens"].get(str(RECOVERY_TOKEN_NUMBER)):
        case {"type": "holdfast-recovery", "keyslots": [*numbers]}:
            known = (str(number) for number in header.keyslots)
            return tuple(int(number) for number in known if number in numbers)
    return ()


_SIZE = re.compile("[0-9]{1,19}")  # as many digits as a size in bytes has


def growth_token(size_bytes: int) -> bytes:
    """Write the note that a volume grows, and how large it is to become, as JSON."""
    return json.dumps({"type": GROWTH_TOKEN_TYPE, "keyslots": [], "size": str(size_bytes)}).encode()


def growth(header: Luks2Header) -> int | None:
    """Return how large a volume that grows is to become; ``None`` for one that does not grow.

    Raises:
        DamagedHeaderError: the note says it is ours, and is not of the form above.
    """
    match header.metadata["tokens"].get(str(GROWTH_TOKEN_NUMBER)):
        case {"type": "holdfast-growth", "size": str(number)} if _SIZE.fullmatch(number):
            return int(number)
        case {"type": "holdfast-growth"}:
            raise DamagedHeaderError("the note about the volume's growth is not of the expected form")
    return None
