"""What the clients of all APIs begin with: an address that is safe to use, a masked token, and connections.

Nothing heavy is loaded before a client is made, so that ``--help`` stays fast.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from holdfast.client.address import parse_address
from holdfast.client.tls import TlsSettings
from holdfast.model import SecretBytes

if TYPE_CHECKING:
    from holdfast.client.json_api import JsonApi
    from holdfast.client.transport import Answer

DEFAULT_RETRIES = 2


def masked(token: SecretBytes | str | None) -> SecretBytes | None:
    """Return a token that is not shown by accident."""
    return SecretBytes(token.encode()) if isinstance(token, str) else token


class ApiClient:
    """What the clients of all APIs have in common: what they show of themselves holds no credential."""

    _api: "JsonApi"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(****)"

    def close(self) -> None:
        """Close idle connections."""
        self._api.close()


def open_api(
    address: str,
    *,
    read_error: Callable[[dict[str, Any]], tuple[str, str]],
    field: str = "address",
    tls: TlsSettings | None = None,
    timeout_seconds: float = 60.0,
    retries: int = DEFAULT_RETRIES,
    allow_plaintext_off_loopback: bool = False,
    is_final: "Callable[[Answer], bool]" = lambda _: False,
) -> "JsonApi":
    """Return what sends requests to one API.

    Args:
        address: where the server is.
        read_error: finds text and reason in an error document of this API.
        field: what errors call the address.
        tls: how the server's certificate is checked.
        timeout_seconds: longest wait for one answer.
        retries: how often what only reads is tried again.
        allow_plaintext_off_loopback: accept plain HTTP to another machine.
        is_final: whether a 5xx answer is the server's considered word and not worth repeating.

    Raises:
        InvalidInputError: an address that cannot be used.
    """
    from holdfast.client.json_api import JsonApi  # noqa: PLC0415 - keeps `--help` fast
    from holdfast.client.transport import Transport  # noqa: PLC0415 - as above

    parsed = parse_address(address, field=field, allow_plaintext_off_loopback=allow_plaintext_off_loopback)
    transport = Transport(parsed, tls=tls, timeout_seconds=timeout_seconds, retries=retries)
    return JsonApi(transport, read_error=read_error, is_final=is_final)
