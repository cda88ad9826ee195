r"""All records of a store in one file, which only the holders of OpenPGP keys read.

    "holdfast-archive-1\n"
    length (4) | header       msgpack: when it was made, and the content key, encrypted for the recipients
    length (4) | chunk 0      AES-256-GCM under the content key, bound to the header, to its number
    length (4) | chunk 1      and to whether it is the last; plaintext is msgpack, a list of [key, value]
    ...

Records are ciphertext already; this hides their names too, and shows whether the file is whole: a chunk that
is changed, missing, moved or cut off does not open. The content key is new for each file, nowhere in clear.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from holdfast.crypto.aead import KEY_BYTES, OVERHEAD_BYTES, Aead, NotAuthenticError, new_key
from holdfast.crypto.openpgp import Recipient, encrypt_for
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes
from holdfast.server.records.copying import Progress, Record

MAGIC = b"holdfast-archive-1\n"
CHUNK_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024
MAX_CHUNK_BYTES = 128 * 1024 * 1024

_LENGTH_BYTES = 4
_NOT_WHOLE = (
    "the archive is damaged or cut off, or the content key is that of another one; nothing was completed"
)

_encode = msgspec.msgpack.Encoder().encode
_decode_chunk = msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode


class Header(msgspec.Struct, frozen=True):
    """What may be read without a key.

    Attributes:
        created_at: Unix seconds.
        content_key: an OpenPGP message that holds the content key in hex.
        fingerprints: of those who can read it.
    """

    created_at: float
    content_key: bytes
    fingerprints: tuple[str, ...]


def write_archive(
    file: BinaryIO,
    records: Iterable[Record],
    recipients: Sequence[Recipient],
    *,
    now: float,
    progress: Progress,
) -> int:
    """Write an archive; return how many records it holds.

    Raises:
        KeyUnusableError: nobody could read it.
        OSError: the file cannot be written.
    """
    with SecretBytes(new_key()) as key:
        header = _encode(
            Header(
                now,
                encrypt_for(recipients, key.reveal().hex().encode()),
                tuple(recipient.fingerprint for recipient in recipients),
            )
        )
        cipher = Aead(key.view())
    file.write(MAGIC + len(header).to_bytes(_LENGTH_BYTES, "big") + header)
    bound_to = hashlib.sha256(header).digest()
    chunk: list[Record] = []
    number, count, size, waiting = 0, 0, 0, 0

    def seal(*, last: bool) -> None:
        sealed = cipher.seal(_encode(chunk), _label(bound_to, number, last=last))
        file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        progress(count, size)

    for key_name, value in records:
        chunk.append((key_name, value))
        count, size, waiting = count + 1, size + len(value), waiting + len(key_name) + len(value)
        if waiting >= CHUNK_BYTES:
            seal(last=False)
            chunk, number, waiting = [], number + 1, 0
    seal(last=True)
    return count


def read_header(file: BinaryIO) -> tuple[Header, bytes]:
    """Return the header of an archive and what its chunks are bound to; the file stands behind it then.

    Raises:
        InvalidInputError: it is no archive.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise InvalidInputError("expected an archive of holdfast operator backup")
    raw = _read_frame(file, MAX_HEADER_BYTES)
    try:
        header = msgspec.msgpack.decode(raw, type=Header)
    except msgspec.DecodeError:
        raise InvalidInputError("the archive's header is damaged") from None
    return header, hashlib.sha256(raw).digest()


def read_records(file: BinaryIO, bound_to: bytes, content_key: SecretBytes) -> Iterator[Record]:
    """Yield the records of an archive.

    Args:
        file: behind its header.
        bound_to: from ``read_header``.
        content_key: as its holder decrypted it, in hex.

    Raises:
        InvalidInputError: no such key, or the archive is not whole. What was yielded before is genuine.
    """
    try:
        cipher = Aead(bytes.fromhex(content_key.reveal().decode("ascii").strip()))
    except (ValueError, UnicodeDecodeError):
        raise InvalidInputError(
            f"content key: expected {2 * KEY_BYTES} hex digits, as gpg decrypts it"
        ) from None
    number, is_last = 0, False
    while not is_last:
        sealed = _read_frame(file, MAX_CHUNK_BYTES)
        chunk, is_last = _open_chunk(cipher, sealed, bound_to, number)
        yield from chunk
        number += 1
    if file.read(1):
        raise InvalidInputError(_NOT_WHOLE)


def _open_chunk(cipher: Aead, sealed: bytes, bound_to: bytes, number: int) -> tuple[list[Record], bool]:
    for last in (False, True):
        try:
            return _decode_chunk(cipher.open(sealed, _label(bound_to, number, last=last))), last
        except NotAuthenticError:
            continue
    raise InvalidInputError(_NOT_WHOLE)


def _label(bound_to: bytes, number: int, *, last: bool) -> bytes:
    return b"holdfast archive" + bound_to + number.to_bytes(8, "big") + bytes([last])


def _read_frame(file: BinaryIO, most: int) -> bytes:
    length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
    if not 0 < length <= most + OVERHEAD_BYTES:
        raise InvalidInputError(_NOT_WHOLE)
    frame = file.read(length)
    if len(frame) != length:
        raise InvalidInputError(_NOT_WHOLE)
    return frame
