"""The ``VAULT_*`` settings: where the store is, how its certificate is checked, and how the node logs in."""

from dataclasses import dataclass, field

from holdfast.client import TlsSettings, parse_address
from holdfast.errors import InvalidInputError
from holdfast.providers.errors import NoCredentialError
from holdfast.providers.grant import LONGEST_PAUSE_SECONDS
from holdfast.providers.settings import Settings
from holdfast.providers.vault_login import VaultLogin, read_login

TIMEOUT_SECONDS = 10.0  # an attach waits for this; a store that needs longer is as good as away
LONGEST_TIMEOUT_SECONDS = 60.0
MIN_COOLDOWN_SECONDS = 60.0
KV_VERSIONS = {"kv": 1, "kv-v2": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultOptions:
    """Where the store is and how to talk to it.

    Attributes:
        address: ``VAULT_ADDR``.
        login: from ``VAULT_TOKEN``, or ``VAULT_AUTH_METHOD`` and what belongs to it.
        mount: ``VAULT_BACKEND_PATH``, the KV mount.
        kv_version: from ``VAULT_BACKEND``; ``None`` to find out.
        namespace: ``VAULT_NAMESPACE``, for references that name none.
        login_namespace: ``VAULT_AUTH_NAMESPACE``, where all logins take place; ``None``: each in its own.
        base_path: ``VAULT_BASE_PATH``, put in front of every secret's name.
        tls: from ``VAULT_CACERT``, ``VAULT_CAPATH`` and the like.
        timeout_seconds: ``VAULT_CLIENT_TIMEOUT``.
        longest_pause: between two logins that fail; 0 if ``VAULT_COOLDOWN_PERIOD`` is.
    """

    address: str
    login: VaultLogin = field(repr=False)
    mount: str = "secret"
    kv_version: int | None = None
    namespace: str = ""
    login_namespace: str | None = None
    base_path: str = ""
    tls: TlsSettings = field(default_factory=TlsSettings)
    timeout_seconds: float = TIMEOUT_SECONDS
    longest_pause: float = LONGEST_PAUSE_SECONDS


def read_vault_options(settings: Settings) -> VaultOptions:
    """Read the ``VAULT_*`` settings.

    Raises:
        InvalidInputError: a setting is missing or malformed.
    """
    cooldown = settings.seconds("VAULT_COOLDOWN_PERIOD", 5 * MIN_COOLDOWN_SECONDS)
    if cooldown and cooldown <= MIN_COOLDOWN_SECONDS:
        raise InvalidInputError(
            "invalid cooldown period: VAULT_COOLDOWN_PERIOD: expected 0, or more than a minute"
        )
    timeout = settings.seconds("VAULT_CLIENT_TIMEOUT", TIMEOUT_SECONDS)
    if not 1 <= timeout <= LONGEST_TIMEOUT_SECONDS:
        raise InvalidInputError(f"VAULT_CLIENT_TIMEOUT: expected 1s to {LONGEST_TIMEOUT_SECONDS:.0f}s")
    if not settings.text("VAULT_ADDR"):
        raise NoCredentialError("VAULT_ADDR not set")
    parse_address(settings.text("VAULT_ADDR"), field="VAULT_ADDR")
    return VaultOptions(
        address=settings.text("VAULT_ADDR"),
        login=read_login(settings),
        mount=settings.text("VAULT_BACKEND_PATH").strip("/") or "secret",
        kv_version=KV_VERSIONS.get(settings.text("VAULT_BACKEND")),
        namespace=settings.text("VAULT_NAMESPACE").strip("/"),
        login_namespace=settings.text("VAULT_AUTH_NAMESPACE").strip("/") or None,
        base_path=settings.text("VAULT_BASE_PATH").strip("/"),
        tls=_read_tls(settings),
        timeout_seconds=timeout,
        # A cool-down of minutes would keep volumes from being attached long after the store is back.
        longest_pause=min(cooldown, LONGEST_PAUSE_SECONDS),
    )


def _read_tls(settings: Settings) -> TlsSettings:
    tls = TlsSettings(
        ca_cert=settings.text("VAULT_CACERT"),
        ca_path=settings.text("VAULT_CAPATH"),
        client_cert=settings.text("VAULT_CLIENT_CERT"),
        client_key=settings.text("VAULT_CLIENT_KEY"),
        server_name=settings.text("VAULT_TLS_SERVER_NAME"),
        unsafe_skip_verification=settings.flag("VAULT_SKIP_VERIFY"),
    )
    tls.context(  # what is malformed shows at start
        ca_field="VAULT_CACERT" if tls.ca_cert else "VAULT_CAPATH",
        client_field="VAULT_CLIENT_CERT, VAULT_CLIENT_KEY",
    )
    return tls
