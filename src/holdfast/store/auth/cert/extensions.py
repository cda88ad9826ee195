"""Extensions of a certificate that a role asks for, or tells: texts in DER form, by object identifier."""

import re

from cryptography import x509

from holdfast.errors import InvalidInputError
from holdfast.store.auth.globs import matches

MAX_EXTENSIONS = 64
MAX_TEXT_LENGTH = 512

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,19}")
_HEX = "hex:"
_TEXT_TAGS = {
    0x0C: "utf-8",
    0x13: "ascii",
    0x16: "ascii",
    0x1A: "ascii",
}  # UTF8-, Printable-, IA5-, VisibleString
_SHORT_FORM = 0x80
_LONG_FORMS = {0x81: 1, 0x82: 2}


def read_required(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a role asks for, each as ``oid:pattern`` or ``hex:oid:pattern``.

    Raises:
        InvalidInputError: one of them is neither.
    """
    for word in words:
        oid, colon, _ = word.removeprefix(_HEX).partition(":")
        if not colon or _OID.fullmatch(oid) is None:
            raise InvalidInputError("required_extensions: expected oid:value, or hex:oid:value")
    if len(words) > MAX_EXTENSIONS:
        raise InvalidInputError(f"required_extensions: expected at most {MAX_EXTENSIONS}")
    return words


def read_told(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return which extensions a role tells in a token's metadata.

    Raises:
        InvalidInputError: one of them is no object identifier.
    """
    if len(words) > MAX_EXTENSIONS or any(_OID.fullmatch(word) is None for word in words):
        raise InvalidInputError("allowed_metadata_extensions: expected object identifiers such as 1.2.3.4")
    return words


def has_required(certificate: x509.Certificate, required: tuple[str, ...]) -> bool:
    """Whether a certificate has every extension that a role asks for."""
    return all(_has(certificate, each) for each in required)


def told(certificate: x509.Certificate, oids: tuple[str, ...]) -> dict[str, str]:
    """Return texts of extensions as metadata has them; absent ones are left out."""
    found = {oid.replace(".", "-"): _text(_value(certificate, oid)) for oid in oids}
    return {name: text[:MAX_TEXT_LENGTH] for name, text in found.items() if text is not None}


def _has(certificate: x509.Certificate, required: str) -> bool:
    is_hex = required.startswith(_HEX)
    oid, _, pattern = required.removeprefix(_HEX).partition(":")
    value = _value(certificate, oid)
    text = (None if value is None else value.hex()) if is_hex else _text(value)
    return text is not None and matches(pattern.lower() if is_hex else pattern, text)


def _value(certificate: x509.Certificate, oid: str) -> bytes | None:
    """Return the DER content of an extension, ``None`` if there is none."""
    try:
        extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
    except (x509.ExtensionNotFound, ValueError):
        return None
    if isinstance(extension, x509.UnrecognizedExtension):
        return extension.value
    return extension.public_bytes()


def _text(value: bytes | None) -> str | None:
    """Return a DER string, ``None`` if it is none, or not the whole of the value."""
    if value is None or len(value) < 2:  # noqa: PLR2004  a tag and a length
        return None
    encoding, first = _TEXT_TAGS.get(value[0]), value[1]
    more = 0 if first < _SHORT_FORM else _LONG_FORMS.get(first, -1)
    if encoding is None or more < 0:
        return None
    length = first if not more else int.from_bytes(value[2 : 2 + more])
    content = value[2 + more :]
    if len(content) != length:
        return None
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None
