"""AWS Signature Version 4: how a request to S3, or to what speaks like it, shows who sent it.

The key itself never leaves this process. A signature covers the host, the path, the query and the body, and
counts for a few minutes only, so whoever receives one can use it for nothing else. ``path`` is taken as it is
sent, percent-encoded once, which is the rule of S3.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

from holdfast.model import SecretBytes

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsKeys:
    """Who signs, and for what.

    Attributes:
        access_key: the public name of the key.
        secret_key: the key.
        region: such as ``us-east-1``.
        service: such as ``s3``.
    """

    access_key: str
    secret_key: SecretBytes = field(repr=False)
    region: str
    service: str = "s3"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return the query as it is signed, which is also how to send it."""
    pairs = [
        (quote(name, safe=UNRESERVED), quote(text, safe=UNRESERVED)) for name, text in parameters.items()
    ]
    return "&".join(f"{name}={text}" for name, text in sorted(pairs))


def signed_headers(
    keys: AwsKeys,
    method: str,
    host: str,
    path: str,
    query: str = "",
    *,
    now: float,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return all headers of a signed request.

    Args:
        keys: who signs.
        method: HTTP method.
        host: as the ``Host`` header says it, with the port if that is not the scheme's own.
        path: as it is sent.
        query: from ``canonical_query``.
        now: Unix seconds.
        body: what is sent.
        headers: further headers, which are signed as well.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    sent = {**(headers or {}), "Host": host, "x-amz-content-sha256": digest, "x-amz-date": moment}
    signed = {name.lower(): " ".join(text.split()) for name, text in sorted(sent.items(), key=_by_name)}
    names = ";".join(signed)
    lines = "".join(f"{name}:{text}\n" for name, text in signed.items())
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{moment[:8]}/{keys.region}/{keys.service}/aws4_request"
    text = f"{ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(_signing_key(keys, moment[:8]), text.encode(), hashlib.sha256).hexdigest()
    credential = f"{keys.access_key}/{scope}"
    return {
        **sent,
        "Authorization": f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }


def _signing_key(keys: AwsKeys, date: str) -> bytes:
    key = b"AWS4" + keys.secret_key.reveal()
    for part in (date, keys.region, keys.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _by_name(header: tuple[str, str]) -> str:
    return header[0].lower()
