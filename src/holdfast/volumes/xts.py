"""AES-XTS over whole sectors, in place, as dm-crypt does it (``aes-xts-plain64``, IEEE 1619).

The tweak of a sector is the little-endian number of its first 512-byte unit, counted from the start of
the area, also where sectors are larger: sector 1 of a volume with 4096-byte sectors has tweak 8.

OpenSSL is called through ctypes. It encrypts in the caller's buffer without a copy, and loading it
takes a few milliseconds, which is what an attach can spare. libcryptsetup needs the same library, so
it is always there. XTS gives confidentiality only: it does not notice tampering.
"""

import ctypes
import struct

TWEAK_UNIT_BYTES = 512
_CIPHER_OF_KEY_BYTES = {32: "EVP_aes_128_xts", 64: "EVP_aes_256_xts"}  # XTS takes two AES keys

# PyDLL keeps the interpreter lock: a sector takes a microsecond, giving the lock away takes as long.
_crypto = ctypes.PyDLL("libcrypto.so.3")
_new_context = _crypto.EVP_CIPHER_CTX_new
_new_context.argtypes, _new_context.restype = [], ctypes.c_void_p
_free_context = _crypto.EVP_CIPHER_CTX_free
_free_context.argtypes, _free_context.restype = [ctypes.c_void_p], None
_init = _crypto.EVP_CipherInit_ex
_init.argtypes = [
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_int,
]
_update = _crypto.EVP_CipherUpdate
_update.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]

_KEEP_DIRECTION = -1
_tweak = struct.Struct("<QQ").pack


class SectorCipher:
    """Encrypts and decrypts the sectors of one area.

    Args:
        key: the two AES keys after another, 32 or 64 bytes. OpenSSL keeps its own expanded copy.
        sector_bytes: the size of a sector; a multiple of 512.

    Raises:
        ValueError: no such key length, or OpenSSL refuses the key.
    """

    __slots__ = ("_decryptor", "_encryptor", "sector_bytes")

    def __init__(self, key: bytes | bytearray, sector_bytes: int) -> None:
        if len(key) not in _CIPHER_OF_KEY_BYTES:
            raise ValueError("an XTS key has 32 or 64 bytes")
        self.sector_bytes = sector_bytes
        self._encryptor = _context(key, encrypt=True)
        self._decryptor = _context(key, encrypt=False)

    def encrypt(self, buffer: bytearray | memoryview, offset_bytes: int) -> None:
        """Encrypt ``buffer``, whole sectors that begin at ``offset_bytes`` of the area, in place."""
        self._apply(self._encryptor, buffer, offset_bytes)

    def decrypt(self, buffer: bytearray | memoryview, offset_bytes: int) -> None:
        """Decrypt ``buffer``, whole sectors that begin at ``offset_bytes`` of the area, in place."""
        self._apply(self._decryptor, buffer, offset_bytes)

    def _apply(self, context: int, buffer: bytearray | memoryview, offset_bytes: int) -> None:
        step = self.sector_bytes
        if len(buffer) % step or offset_bytes % step:
            raise ValueError("only whole sectors can be encrypted")
        if not buffer:
            return
        address = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        written = ctypes.c_int()
        written_at = ctypes.addressof(written)
        unit, units = offset_bytes // TWEAK_UNIT_BYTES, step // TWEAK_UNIT_BYTES
        for sector in range(address, address + len(buffer), step):
            if not (
                _init(context, None, None, None, _tweak(unit, 0), _KEEP_DIRECTION)
                and _update(context, sector, written_at, sector, step)
            ):
                raise ValueError("OpenSSL refused a sector")
            unit += units

    def __del__(self) -> None:
        for name in ("_encryptor", "_decryptor"):
            _free_context(getattr(self, name, None))  # OpenSSL wipes the expanded key as it frees it


def _context(key: bytes | bytearray, *, encrypt: bool) -> int:
    find_cipher = getattr(_crypto, _CIPHER_OF_KEY_BYTES[len(key)])
    find_cipher.argtypes, find_cipher.restype = [], ctypes.c_void_p
    key_copy = (ctypes.c_char * len(key)).from_buffer_copy(key)
    context: int = _new_context()
    try:
        if not _init(context, find_cipher(), None, key_copy, None, int(encrypt)):
            _free_context(context)
            raise ValueError("OpenSSL refused the key")
    finally:
        ctypes.memset(key_copy, 0, len(key))
    return context
