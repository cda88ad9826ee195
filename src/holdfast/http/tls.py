"""TLS of a listener: versions 1.2 and 1.3, authenticated encryption only, certificates that can be replaced.

A context is made once and reloaded in place, so that open listeners give the new certificate to the next
handshake and keep the connections they have. A reload that fails changes nothing.

Client certificates are asked for only when a client CA is configured, because Python's TLS cannot ask
without verifying, and many clients present one that the server knows nothing about.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import InvalidInputError

# TLS 1.3 has no others. For 1.2 Python's default still offers CBC.
_AEAD_CIPHERS_OF_TLS_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20"
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsConfigurationError(InvalidInputError):
    """A certificate, key or CA file cannot be used; says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """What a listener's TLS is made of.

    Attributes:
        certificate_file: PEM, the server's certificate first, then intermediates.
        key_file: PEM, unencrypted.
        minimum_version: ``1.2`` or ``1.3``.
        client_ca_file: PEM; if set, client certificates are asked for and verified against it.
        require_client_certificate: refuse handshakes without a verified client certificate.
    """

    certificate_file: str
    key_file: str
    minimum_version: str = "1.2"
    client_ca_file: str = ""
    require_client_certificate: bool = False


class TlsIdentity:
    """A live TLS context and the files it came from.

    Args:
        settings: the files and bounds.

    Raises:
        TlsConfigurationError: a file is missing, unreadable, malformed, or key and certificate differ.
    """

    __slots__ = ("_settings", "context")

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self.context = _new_context(settings)

    def reload(self) -> None:
        """Read certificate and key again; handshakes from now on use them.

        The client CA is fixed until a restart: Python can add to a live trust store, but not take away.

        Raises:
            TlsConfigurationError: the files are not usable; the old certificate stays.
        """
        _new_context(
            self._settings
        )  # tried on a context nobody uses, so that a bad pair is never half in place
        _load_certificate(self.context, self._settings)


def _new_context(settings: TlsSettings) -> ssl.SSLContext:
    version = _VERSIONS.get(settings.minimum_version)
    if version is None:
        raise TlsConfigurationError("tls_min_version: expected 1.2 or 1.3")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = version
    context.set_ciphers(_AEAD_CIPHERS_OF_TLS_1_2)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    _load_certificate(context, settings)
    if settings.client_ca_file:
        _load_client_ca(context, settings)
    elif settings.require_client_certificate:
        raise TlsConfigurationError("client certificates are required, but no client CA file is configured")
    return context


def _load_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    certificate_file, key_file = settings.certificate_file, settings.key_file
    _check_readable(certificate_file, "certificate")
    _check_readable(key_file, "key")
    try:
        context.load_cert_chain(certificate_file, key_file, password=_refuse_to_ask)
    except _EncryptedKeyError:
        raise TlsConfigurationError(f"TLS key {key_file}: expected a key that is not encrypted") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"TLS key {key_file} does not belong to certificate {certificate_file}"
            raise TlsConfigurationError(text) from None
        text = f"TLS files {certificate_file} and {key_file}: expected a PEM certificate and its PEM key"
        raise TlsConfigurationError(text, detail=error.reason or "") from None


def _load_client_ca(context: ssl.SSLContext, settings: TlsSettings) -> None:
    _check_readable(settings.client_ca_file, "client CA")
    try:
        context.load_verify_locations(cafile=settings.client_ca_file)
    except ssl.SSLError:
        text = f"TLS client CA {settings.client_ca_file}: expected PEM certificates"
        raise TlsConfigurationError(text) from None
    context.verify_mode = ssl.CERT_REQUIRED if settings.require_client_certificate else ssl.CERT_OPTIONAL


def _check_readable(path: str, what: str) -> None:
    """Name the file that is the trouble; OpenSSL's own error does not."""
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise TlsConfigurationError(f"TLS {what} file {path}: {error.strerror}") from None


class _EncryptedKeyError(Exception):
    pass


def _refuse_to_ask() -> str:
    """Stand where OpenSSL would ask the terminal for a passphrase, and so stop a server that has none."""
    raise _EncryptedKeyError
