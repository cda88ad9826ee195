"""The note inside a LUKS2 header that says which secret opens the volume: token 0, never key material.

    {"type": "holdfast", "keyslots": ["1"], "provider": "vault", "path": "secret/hf/vol1", "version": 3}

An old volume finds its old key by it, also on another host and after a restore from a backup.
"""

import json
from dataclasses import dataclass
from typing import Any

from holdfast.volumes.errors import DamagedHeaderError
from holdfast.volumes.luks_read import Luks2Header

TOKEN_NUMBER = 0
TOKEN_TYPE = "holdfast"  # noqa: S105 (a type, not a credential)


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
