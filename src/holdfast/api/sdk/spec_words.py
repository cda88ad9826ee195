"""The words in which Portworx's tools write down what a volume is to be: as labels, and in place of its name.

    labels   secure=true, secret_key=key1, and others; see ``secret_labels``
    name     secure=true,secret_key=key1,name=data,size=10G,fs=xfs

A key that is named means encryption. The original decides by chance when a key is named and ``secure`` is
false; here that is refused, as is everything that is said in two ways that differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.api.sdk import secret_labels
from holdfast.api.sdk.proto import volume_types_pb2 as types
from holdfast.api.sdk.secret_labels import SECRET_KEY, SECURE, agreed
from holdfast.errors import InvalidInputError
from holdfast.model.size import read_size

WORDS = ("name", "size", "fs", SECURE, SECRET_KEY)
MAX_LENGTH = 1024

_SIZE_DIGITS = 18
_FORMATS = {"ext4": types.FS_TYPE_EXT4, "xfs": types.FS_TYPE_XFS}


@dataclass(frozen=True, slots=True)
class WantedVolume:
    """What words and fields of a request come to together.

    Attributes:
        name: of the volume.
        size_bytes: 0 if neither says it.
        format: of the file system; ``FS_TYPE_NONE`` if neither says it.
        encrypted: whether it is to be.
        secret_name: of the key; empty if neither names one.
        secret_entry: of the object of that name, where secrets are entries of objects; else empty.
        secret_namespace: the provider's namespace of it; empty if none is named.
    """

    name: str
    size_bytes: int
    format: types.FSType.ValueType
    encrypted: bool
    secret_name: str
    secret_entry: str = ""
    secret_namespace: str = ""


def read_words(name: str, labels: Mapping[str, str], spec: types.VolumeSpec) -> WantedVolume:
    """Put together what a request says in fields, in labels and in its name.

    Raises:
        InvalidInputError: a word is unknown, stands twice, has a value that it cannot have, or contradicts
            a field or another word; names the place.
    """
    words = _inline(name) if "=" in name else {"name": name}
    labelled, inline = secret_labels.read_labels(labels), secret_labels.read_words(words)
    secret_name = agreed("secret_key", spec.passphrase, labelled.name, inline.name)
    is_asked_for = spec.encrypted or spec.own_key or spec.integrity or bool(secret_name or labelled.entry)
    said = {inline.secure, labelled.secure, True if is_asked_for else None} - {None}
    if len(said) > 1:
        raise InvalidInputError("secure: expected the same in labels, name and fields")
    sizes = [spec.size, _size(words["size"]) if "size" in words else 0]
    if 0 not in sizes and sizes[0] != sizes[1]:
        raise InvalidInputError("size: expected the same in name and fields")
    formats = [spec.format, _format(words["fs"]) if "fs" in words else types.FS_TYPE_NONE]
    if types.FS_TYPE_NONE not in formats and formats[0] != formats[1]:
        raise InvalidInputError("fs: expected the same in name and fields")
    return WantedVolume(
        words.get("name", ""),
        max(sizes),
        formats[0] or formats[1],
        said == {True},
        secret_name,
        labelled.entry,
        agreed("secret_context", spec.secret_context, labelled.namespace),
    )


def _inline(text: str) -> dict[str, str]:
    if len(text) > MAX_LENGTH:
        raise InvalidInputError(f"name: expected at most {MAX_LENGTH} characters")
    words: dict[str, str] = {}
    for part in text.removesuffix(",").split(","):
        word, equals, value = part.partition("=")
        word = word.strip()
        if not equals or word not in WORDS:
            raise InvalidInputError(
                f"name: expected words such as name=data,size=10G; this node knows {', '.join(WORDS)}"
            )
        if word in words:
            raise InvalidInputError(f"name: expected {word} once")
        words[word] = value.strip()
    return words


def _size(text: str) -> int:
    size = read_size(text, bare=1, digits=_SIZE_DIGITS)
    if size is None:
        raise InvalidInputError("name: size: expected bytes, or a number with K, M, G or T")
    return size


def _format(text: str) -> types.FSType.ValueType:
    try:
        return _FORMATS[text]
    except KeyError:
        raise InvalidInputError(f"name: fs: expected one of {', '.join(_FORMATS)}") from None
