"""From a key to the volume key: opening a LUKS2 keyslot (LUKS2 On-Disk Format 1.1, sections 3.2 and 4).

    key --KDF--> area key --AES-XTS--> split material --merge--> volume key --PBKDF2--> digest, compared

A keyslot holds the volume key blown up to 4000 stripes, so that destroying any one of them destroys
it; merging runs a hash over every stripe. The result counts only if its digest matches.

The cost parameters come from a file that may be hostile: they are capped before any work is done.
"""

import base64
import hashlib
import hmac
import os

from holdfast.volumes.errors import (
    DamagedHeaderError,
    ErasedVolumeError,
    UnsupportedHeaderError,
    WrongKeyError,
)
from holdfast.volumes.luks_read import CIPHER, Luks2Header
from holdfast.volumes.xts import TWEAK_UNIT_BYTES, SectorCipher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_PBKDF2_ITERATIONS = 20_000_000
MAX_ARGON2_KIB = 1_048_576  # what cryptsetup asks for at most
MAX_ARGON2_TIME = 1_000
_KEY_BYTES = (32, 64)
_STRIPES = 4000


def unlock(descriptor: int, header: Luks2Header, key: bytes | bytearray | memoryview) -> bytearray:
    """Return the volume key; the caller wipes it.

    Args:
        descriptor: the open file that ``header`` was read from.
        header: the header to open.
        key: what was given to ``cryptsetup`` as the passphrase, without a newline.

    Raises:
        WrongKeyError: no keyslot opens with it.
        ErasedVolumeError: there is no keyslot.
        UnsupportedHeaderError: a keyslot asks for an unknown algorithm or an unreasonable cost.
        DamagedHeaderError: fields are missing or of the wrong type.
    """
    if not header.keyslots:
        raise ErasedVolumeError("the volume was erased: no key can open it any more")
    try:
        for number in header.keyslots:
            candidate = _open_keyslot(descriptor, header.metadata["keyslots"][str(number)], key)
            if _matches_digest(header, number, candidate):
                return candidate
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise DamagedHeaderError("a keyslot lacks a field or has one of the wrong type") from None
    raise WrongKeyError("no keyslot of the volume opens with this key")


def _open_keyslot(descriptor: int, slot: "dict[str, Any]", key: bytes | bytearray | memoryview) -> bytearray:
    area, splitter = slot["area"], slot["af"]
    key_bytes, area_key_bytes = int(slot["key_size"]), int(area["key_size"])
    if (
        (slot["type"], area["type"], area["encryption"]) != ("luks2", "raw", CIPHER)
        or (splitter["type"], splitter["stripes"]) != ("luks1", _STRIPES)
        or key_bytes not in _KEY_BYTES
        or area_key_bytes not in _KEY_BYTES
    ):
        raise UnsupportedHeaderError("a keyslot is of a kind that is not offered here")
    material = bytearray(os.pread(descriptor, key_bytes * _STRIPES, int(area["offset"])))
    if len(material) != key_bytes * _STRIPES:
        raise ValueError("the keyslot area ends early")
    area_key = _derive(slot["kdf"], key, area_key_bytes)
    SectorCipher(area_key, TWEAK_UNIT_BYTES).decrypt(material, 0)
    return _merge(material, key_bytes, splitter["hash"])


def _derive(kdf: "dict[str, Any]", key: bytes | bytearray | memoryview, length: int) -> bytes:
    salt = base64.b64decode(kdf["salt"], validate=True)
    if kdf["type"] == "pbkdf2":
        iterations = int(kdf["iterations"])
        if iterations > MAX_PBKDF2_ITERATIONS:
            raise UnsupportedHeaderError("a keyslot asks for too many iterations")
        return hashlib.pbkdf2_hmac(kdf["hash"], key, salt, iterations, length)
    if kdf["type"] in {"argon2i", "argon2id"}:
        if int(kdf["memory"]) > MAX_ARGON2_KIB or int(kdf["time"]) > MAX_ARGON2_TIME:
            raise UnsupportedHeaderError("a keyslot asks for too much memory or time")
        # Imported late: volumes with random keys never need it, and their attach is to be fast.
        from argon2.low_level import Type, hash_secret_raw  # noqa: PLC0415

        return hash_secret_raw(
            bytes(key),
            salt,
            time_cost=int(kdf["time"]),
            memory_cost=int(kdf["memory"]),
            parallelism=int(kdf["cpus"]),
            hash_len=length,
            type=Type.ID if kdf["type"] == "argon2id" else Type.I,
        )
    raise UnsupportedHeaderError("a keyslot uses an unknown key derivation")


def _merge(material: bytearray, key_bytes: int, hash_name: str) -> bytearray:
    """Undo the anti-forensic splitter of LUKS1 (LUKS1 On-Disk Format 1.2.3, section 2.4)."""
    digest_bytes = hashlib.new(hash_name).digest_size
    counters = [(block // digest_bytes).to_bytes(4) for block in range(0, key_bytes, digest_bytes)]
    state = 0
    last = key_bytes * (_STRIPES - 1)
    for start in range(0, last, key_bytes):
        mixed = (state ^ int.from_bytes(material[start : start + key_bytes])).to_bytes(key_bytes)
        diffused = b"".join(
            hashlib.new(hash_name, counter + mixed[at : at + digest_bytes]).digest()
            for counter, at in zip(counters, range(0, key_bytes, digest_bytes), strict=True)
        )
        state = int.from_bytes(diffused[:key_bytes])
    return bytearray((state ^ int.from_bytes(material[last:])).to_bytes(key_bytes))


def _matches_digest(header: Luks2Header, number: int, candidate: bytearray) -> bool:
    for digest in header.metadata["digests"].values():
        if str(number) not in digest["keyslots"]:
            continue
        if digest["type"] != "pbkdf2" or int(digest["iterations"]) > MAX_PBKDF2_ITERATIONS:
            raise UnsupportedHeaderError("the volume key's digest is of an unknown kind")
        expected = base64.b64decode(digest["digest"], validate=True)
        salt = base64.b64decode(digest["salt"], validate=True)
        found = hashlib.pbkdf2_hmac(digest["hash"], candidate, salt, int(digest["iterations"]), len(expected))
        if expected and hmac.compare_digest(found, expected):
            return True
    return False
