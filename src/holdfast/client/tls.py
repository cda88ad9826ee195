"""How a client checks a server's certificate: always, unless the ugly-named switch says otherwise."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.errors import InvalidInputError

if TYPE_CHECKING:
    from ssl import SSLContext

_log = logging.getLogger(__name__)

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_MAX_FILE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Certificates and names for connections to one server.

    Attributes:
        ca_cert: PEM file of the authorities to trust; wins over ``ca_path``; empty means the system's.
        ca_path: directory of PEM files to trust, whatever they are called.
        ca_pem: PEM text of the only authorities to trust, instead of files.
        client_cert: PEM file of our certificate, for servers that ask for one.
        client_key: unencrypted PEM file of its key; empty means it is in ``client_cert``.
        server_name: the name expected in the server's certificate, if it is not the host's.
        unsafe_skip_verification: accept any certificate, from anybody on the way.
    """

    ca_cert: str = ""
    ca_path: str = ""
    ca_pem: str = ""
    client_cert: str = ""
    client_key: str = ""
    server_name: str = ""
    unsafe_skip_verification: bool = False

    def context(
        self, *, ca_field: str = "CA certificate", client_field: str = "client certificate"
    ) -> "SSLContext":
        """Build the TLS context: 1.2 or newer, host name checked.

        Args:
            ca_field: the name of the setting about authorities, for error texts.
            client_field: the same about our own certificate.

        Raises:
            InvalidInputError: a named file cannot be read or holds no certificate or key.
        """
        import ssl  # noqa: PLC0415 - loaded with the first connection

        try:
            authorities = self.ca_pem
            if self.ca_path and not self.ca_cert:
                authorities += _certificates_in(Path(self.ca_path))
            context = ssl.create_default_context(cafile=self.ca_cert or None, cadata=authorities or None)
        except (OSError, ValueError):
            raise InvalidInputError(
                f"{ca_field}: expected a readable PEM file or directory of certificates"
            ) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.client_cert:
            try:
                context.load_cert_chain(self.client_cert, self.client_key or None)
            except OSError:
                raise InvalidInputError(
                    f"{client_field}: expected a readable PEM certificate and its unencrypted key"
                ) from None
        if self.unsafe_skip_verification:
            _log.warning("certificate verification is off: the server's identity is not checked")
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _certificates_in(directory: Path) -> str:
    """Return the certificates in all files of a directory.

    OpenSSL itself looks for files that are called by hashes only, and trusts nobody where there are none.

    Raises:
        OSError: it cannot be read, or has no certificate.
    """
    found = []
    for path in sorted(directory.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                found += _CERTIFICATE.findall(file.read(_MAX_FILE_BYTES).decode("ascii", errors="replace"))
    if not found:
        raise FileNotFoundError
    return "\n".join(dict.fromkeys(found))
