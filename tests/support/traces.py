"""Looking for secrets in what a program leaves behind: as they are, in hex, in base64 at any offset."""

import base64
from collections.abc import Iterator, Mapping


def found_in(secrets: Mapping[str, str | bytes], text: bytes) -> list[str]:
    """Return the names of the secrets that ``text`` gives away in some spelling."""
    return [name for name, secret in secrets.items() if any(form in text for form in spellings(secret))]


def spellings(secret: str | bytes) -> Iterator[bytes]:
    """Yield a secret as it is, in hex, and in base64 at each of the three offsets it can stand at."""
    raw = secret.encode() if isinstance(secret, str) else secret
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        cut = encoded[4 if offset else 0 : len(encoded) // 4 * 4 - 4]
        yield cut
        yield cut.replace(b"+", b"-").replace(b"/", b"_")
