"""Keys from DC/OS Secrets, of a cluster or of a store that speaks its API.

The node logs in with a user's name and password, or as a service account, and again before its token ends.
The certificate of the cluster is always verified. A value is kept as JSON of a map with one entry, as the
original writes it; what an operator stored as plain text is read as that text.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from holdfast.client import DcosClient, IamClient, TlsSettings, parse_address
from holdfast.client.errors import (
    RemoteConflictError,
    RemoteUnauthenticatedError,
)
from holdfast.clock import Clock, SystemClock
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes
from holdfast.providers.dcos_login import DcosLogin, read_login
from holdfast.providers.errors import (
    CredentialExpiredError,
    ProviderDeniedError,
    SecretNotFoundError,
)
from holdfast.providers.grant import Grant, LiveGrant, Upkeep
from holdfast.providers.interface import ProviderStatus, Reason, Secret, SecretRef, trouble
from holdfast.providers.opening import Opening
from holdfast.providers.remote_words import REFUSED_LOGIN, Words, in_node_words
from holdfast.providers.value import FIELD, value_of_text

DEFAULT_URL = "https://master.mesos"
DEFAULT_STORE = "default"
TIMEOUT_SECONDS = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DcosOptions:
    """Where the cluster is, and as whom the node logs in.

    Attributes:
        url: ``DCOS_CLUSTER_URL``.
        login: from the settings that name a user, a service account, or both.
        base_path: ``SECRETS_BASE_PATH``, put in front of every secret's path.
        tls: from ``DCOS_SECRETS_CA_CERT_FILE``.
    """

    url: str
    login: DcosLogin = field(repr=False)
    base_path: str = ""
    tls: TlsSettings = field(default_factory=TlsSettings)


def open_from(opening: Opening) -> "DcosProvider":
    """Return the provider that the ``DCOS_*`` settings describe.

    Raises:
        NoCredentialError: there is nothing to log in with.
        InvalidInputError: a setting is missing or malformed.
    """
    settings = opening.settings
    ca_file = settings.text("DCOS_SECRETS_CA_CERT_FILE")
    tls = TlsSettings(ca_cert=ca_file)
    if ca_file:
        tls.context(ca_field="DCOS_SECRETS_CA_CERT_FILE")
    url = settings.text("DCOS_CLUSTER_URL", default=DEFAULT_URL).rstrip("/")
    parse_address(url, field="DCOS_CLUSTER_URL")
    return DcosProvider(
        DcosOptions(
            url=url,
            login=read_login(settings),
            base_path=settings.text("SECRETS_BASE_PATH", "DCOS_SECRETS_BASE_PATH").strip("/"),
            tls=tls,
        )
    )


@dataclass(frozen=True, slots=True, repr=False)
class Acting:
    """A token, and the clients that act as it, by store."""

    token: SecretBytes
    clients: dict[str, DcosClient]


class DcosProvider:
    """Secrets of a DC/OS cluster. The namespace of a reference is the secret store's name.

    Args:
        options: where the cluster is, and as whom the node logs in.
        clock: the time.

    Raises:
        InvalidInputError: the address cannot be used.
    """

    kind = "dcos"

    def __init__(self, options: DcosOptions, *, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._upkeep = Upkeep(clock=self._clock, name="dcos-token")
        self._live = self._upkeep.keep(LiveGrant(self._log_in, clock=self._clock))
        self._words = Words(  # the original's
            f"the secrets provider (dcos at {options.url})",
            expired=": API Error: Unauthorized",
            denied=": API Error: Forbidden",
            failed=": API Error",
        )
        self._iam()  # a bad address shows now

    def get(self, ref: SecretRef) -> Secret:
        """Return the value of a secret; see ``SecretsProvider``."""
        if ref.version is not None:
            raise InvalidInputError("version: DC/OS keeps no versions")
        path = self._path(ref)
        return Secret(value_of_text(self._call(ref, lambda client: client.read(path)).content), None)

    def put(self, ref: SecretRef, value: SecretBytes, *, expected_version: int | None = None) -> None:
        """Store a value, replacing the one before; see ``SecretsProvider``."""
        if expected_version:
            raise InvalidInputError("expected version: DC/OS keeps no versions")
        path, text = self._path(ref), msgspec.json.encode({FIELD: value.reveal().decode()}).decode()

        def write(client: DcosClient) -> None:
            try:
                client.create(path, text)
            except RemoteConflictError:
                if expected_version is not None:
                    raise
                client.update(path, text)

        self._call(ref, write)

    def destroy(self, ref: SecretRef) -> None:
        """Remove a secret; see ``SecretsProvider``."""
        if ref.version is not None:
            raise InvalidInputError("version: DC/OS keeps no versions")
        path = self._path(ref)
        try:
            self._call(ref, lambda client: client.delete(path))
        except SecretNotFoundError:
            return

    def versions(self, ref: SecretRef) -> tuple[int, ...]:  # noqa: ARG002 - there are none of anything
        """Return nothing: DC/OS keeps no versions."""
        return ()

    def list(self, prefix: str = "", *, namespace: str = "") -> list[str]:
        """Return the names one level below ``prefix``; see ``SecretsProvider``."""
        where = "/".join(part for part in (self._options.base_path, prefix.strip("/")) if part)
        with in_node_words(self._words):
            paths = self._act(namespace, lambda client: client.list(where))
        heads = (path.strip("/").partition("/") for path in paths)
        return sorted({head + slash for head, slash, _ in heads if head})

    def status(self) -> ProviderStatus:
        """Try whether keys can be had now; see ``SecretsProvider``."""
        problem, reason = "", Reason.NONE
        try:
            with in_node_words(self._words):
                self._act("", lambda client: client.request("GET", f"seal-status/{DEFAULT_STORE}"))
        except ProviderDeniedError:
            pass  # the token is good; the user may not ask about the seal
        except SecretNotFoundError:
            pass
        except HoldfastError as error:
            problem, reason = trouble(error)
        grant = self._live.grant
        return ProviderStatus(
            kind=self.kind,
            place=f"{self._options.url} path {self._options.base_path or '/'}",
            usable=not problem,
            problem=problem,
            reason=reason,
            versioned=False,
            login=self._options.login.name,
            renewed_at=grant.obtained_at if grant is not None else None,
            expires_at=grant.expires_at if grant is not None else None,
            notes=(f"the last login failed: {self._live.problem}",) if self._live.problem else (),
        )

    def close(self) -> None:
        """Wipe the token; see ``SecretsProvider``. DC/OS tokens cannot be ended."""
        self._upkeep.close()
        self._live.close()

    def _call(self, ref: SecretRef, action: Callable[[DcosClient], T]) -> T:
        with in_node_words(self._words):
            return self._act(ref.namespace, action)

    def _act(self, store: str, action: Callable[[DcosClient], T]) -> T:
        """Act, after one new login if the token is not accepted. A denial is none: no login would help."""
        grant = self._live.current()
        try:
            return action(self._client(grant.client, store))
        except RemoteUnauthenticatedError:
            grant = self._live.replace(grant)
            return action(self._client(grant.client, store))

    def _client(self, acting: Acting, store: str) -> DcosClient:
        store = store.strip() or DEFAULT_STORE
        client = acting.clients.get(store)
        if client is None:
            client = DcosClient(
                self._options.url,
                acting.token,
                store=store,
                tls=self._options.tls,
                timeout_seconds=TIMEOUT_SECONDS,
            )
            client = acting.clients.setdefault(store, client)
        return client

    def _iam(self) -> IamClient:
        return IamClient(self._options.url, tls=self._options.tls, timeout_seconds=TIMEOUT_SECONDS)

    def _log_in(self) -> Grant[Acting]:
        iam = self._iam()
        with in_node_words(self._words):
            try:
                token = self._options.login.log_in(
                    iam, lambda token: self._client(Acting(token, {}), DEFAULT_STORE)
                )
            except REFUSED_LOGIN as error:
                raise CredentialExpiredError(
                    f"the cluster refuses the login: {error.message}", detail=error.message
                ) from None
            finally:
                iam.close()
        ends = expiry_of(token)
        seconds = None if ends is None else max(1.0, ends - self._clock.now())
        return Grant(Acting(token, {}), seconds, token.wipe)

    def _path(self, ref: SecretRef) -> str:
        # The original's users write the whole path of the cluster-wide key although there is a base path.
        base = self._options.base_path
        return ref.name if not base or ref.name.startswith(f"{base}/") else f"{base}/{ref.name}"


def expiry_of(token: SecretBytes) -> float | None:
    """Return the ``exp`` of a signed token, to know when to log in again; nothing is believed for it."""
    parts = token.reveal().split(b".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (binascii.Error, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None
