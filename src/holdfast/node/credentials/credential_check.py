"""Whether a cloud credential opens what it is for, and which hosts a node may ask about that.

A node that calls the endpoints that its users name could be made to call its own neighbours. So:

    ordinary users          public addresses, with TLS, at port 443 or from 1024 up
    storage administrators  also the networks of organisations, and without TLS
    an operator's list      also loopback and link-local addresses: exactly the endpoints that it names

Who named the endpoint counts, not who asks; it is judged anew for every connection, on the addresses that the
name has then (``client.reach``). Certificates are always checked. No other kind than S3 is asked over the
network; what was looked at is said in the answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from holdfast.client.errors import (
    RemoteInvalidInputError,
    RemotePermissionDeniedError,
    RemoteTooLargeError,
    RemoteUnavailableError,
)
from holdfast.client.reach import Lookup, Reach, system_lookup
from holdfast.client.s3 import S3Client, S3Place
from holdfast.client.signature_v4 import AwsKeys
from holdfast.client.tls import TlsSettings
from holdfast.clock import Clock
from holdfast.errors import InvalidInputError, UnavailableError
from holdfast.model import SecretBytes
from holdfast.node.credentials.credential_form import split_endpoint
from holdfast.node.credentials.credential_records import (
    Account,
    AzureAccount,
    GoogleAccount,
    NfsExport,
    S3Account,
    SecretPart,
)
from holdfast.node.errors import CredentialRefusedError

MAX_AT_ONCE = 3  # of the threads that answer requests, so that slow endpoints leave some for others
LEAST_USER_PORT = 1024
HTTPS_PORT = 443

FORM_ONLY = {
    AzureAccount: "the form only: this node does not speak to Azure",
    GoogleAccount: "the form only: this node does not speak to Google",
    NfsExport: "the form only: this node does not mount the export to try it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRules:
    """Which endpoints may be asked.

    Attributes:
        listed: scheme, host and port of those that the operator vouches for.
        tls: whose certificates are believed.
    """

    listed: frozenset[tuple[str, str, int]] = frozenset()
    tls: TlsSettings = field(default_factory=TlsSettings)

    @classmethod
    def parse(
        cls, texts: Iterable[str], *, ca_cert: str = "", option: str = "--cloud-endpoint"
    ) -> "EndpointRules":
        """Read the operator's list, whose entries look like ``https://minio.example:9000``.

        Raises:
            InvalidInputError: an entry of another form, or a file that holds no certificates.
        """
        listed = set()
        for text in texts:
            scheme, colon, rest = text.partition("://")
            if not colon or scheme not in {"http", "https"}:
                raise InvalidInputError(f"{option}: expected https://host:port or http://host:port")
            listed.add((scheme, *split_endpoint(rest, secure=scheme == "https", field=option)))
        tls = TlsSettings(ca_cert=ca_cert)
        if ca_cert:
            tls.context(ca_field="--cloud-ca")  # so that a mistake shows at the start
        return cls(listed=frozenset(listed), tls=tls)

    def place(self, account: S3Account) -> S3Place:
        """Return where to ask about an account.

        Raises:
            CredentialRefusedError: who named the endpoint may not name such a one.
        """
        secure = not account.disable_ssl
        host, port = split_endpoint(account.endpoint, secure=secure)
        return S3Place(
            host=host,
            port=port,
            secure=secure,
            in_host_name=account.disable_path_style,
            reach=self._reach(account, host, port),
            tls=self.tls,
        )

    def _reach(self, account: S3Account, host: str, port: int) -> Reach:
        secure = not account.disable_ssl
        if ("https" if secure else "http", host, port) in self.listed:
            return Reach.ANYWHERE
        if account.set_by_administrator:
            return Reach.PRIVATE
        if not secure:
            raise CredentialRefusedError(
                "aws_credential.disable_ssl: only a storage administrator may name an endpoint without TLS, "
                "or the operator lists it with --cloud-endpoint"
            )
        if port != HTTPS_PORT and port < LEAST_USER_PORT:
            raise CredentialRefusedError(
                "aws_credential.endpoint: only a storage administrator may name this port; expected "
                f"{HTTPS_PORT}, or {LEAST_USER_PORT} and above"
            )
        return Reach.PUBLIC


class CredentialCheck:
    """Tries credentials.

    Args:
        rules: which endpoints may be asked.
        clock: the time, which S3 compares with its own.
        lookup: finds the addresses of a host.
    """

    def __init__(self, rules: EndpointRules, *, clock: Clock, lookup: Lookup = system_lookup) -> None:
        self._rules = rules
        self._clock = clock
        self._lookup = lookup
        self._room = BoundedSemaphore(MAX_AT_ONCE)

    def check_place(self, account: Account) -> None:
        """Raise ``CredentialRefusedError`` if who named the endpoint may not name such a one."""
        if isinstance(account, S3Account):
            self._rules.place(account)

    def try_out(
        self, account: Account, bucket: str, parts: Mapping[SecretPart, SecretBytes]
    ) -> tuple[str, ...]:
        """Try a credential of good form; return what was looked at, as sentences for people.

        Raises:
            CredentialRefusedError: the service refuses the keys, or may not be asked.
            InvalidInputError: the bucket or the region is not there.
            UnavailableError: the service does not answer, or too many are being tried.
        """
        if not isinstance(account, S3Account):
            return (FORM_ONLY[type(account)],)
        if not self._room.acquire(blocking=False):
            raise UnavailableError("this node is trying other credentials at the moment; try again")
        try:
            return self._ask(account, bucket, parts[SecretPart.SECRET_KEY])
        except RemotePermissionDeniedError as error:
            raise CredentialRefusedError(_FAILED + error.message) from None
        except (RemoteUnavailableError, RemoteTooLargeError) as error:
            raise UnavailableError(f"{_FAILED}endpoint: {error.message.removeprefix('endpoint: ')}") from None
        except RemoteInvalidInputError as error:
            raise InvalidInputError(_FAILED + error.message) from None
        finally:
            self._room.release()

    def _ask(self, account: S3Account, bucket: str, secret_key: SecretBytes) -> tuple[str, ...]:
        keys = AwsKeys(access_key=account.access_key, secret_key=secret_key, region=account.region)
        client = S3Client(self._rules.place(account), keys, now=self._clock.now, lookup=self._lookup)
        if bucket:
            client.try_bucket(bucket)
            return ("the endpoint accepts the keys, and they may list the bucket; writing was not tried",)
        if client.try_keys():
            return ("the endpoint accepts the keys; no bucket is named, so none was tried",)
        return ("the endpoint knows the keys, which may not list buckets; no bucket is named to be tried",)


_FAILED = "credentials could not be validated: "  # the words of the original
