"""The options that say which store to talk to and as whom, and the client made from them.

Each setting is taken from its option, else from the environment (``environment`` has the order of
names), else from its default. The token has no option, because command lines are visible to
others: it comes from the environment or from the file that ``holdfast login`` writes.
"""

from argparse import Namespace
from pathlib import Path

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.holdfast.environment import count, seconds, setting, switch
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.holdfast.preview import add_preview_options, previewer, refuse_preview
from holdfast.cli.holdfast.token_file import read_token
from holdfast.cli.output import FORMATS
from holdfast.client import DcosClient, IamClient, TlsSettings, VaultClient
from holdfast.client.opening import DEFAULT_RETRIES
from holdfast.errors import InvalidInputError
from holdfast.model import SecretBytes

DEFAULT_ADDRESS = "https://127.0.0.1:8200"
MOST_RETRIES = 20


def add_server_options(parser: CommandParser) -> None:
    """Declare where the server is and how its certificate is checked."""
    options = parser.add_argument_group("server")
    options.add_argument("--address", help=f"of the store [HOLDFAST_ADDR; {DEFAULT_ADDRESS}]")
    options.add_argument("--ca-cert", help="PEM file of the authorities to trust [HOLDFAST_CACERT]")
    options.add_argument("--ca-path", help="directory of such files [HOLDFAST_CAPATH]")
    options.add_argument("--client-cert", help="PEM file of our own certificate [HOLDFAST_CLIENT_CERT]")
    options.add_argument("--client-key", help="PEM file of its key [HOLDFAST_CLIENT_KEY]")
    options.add_argument("--tls-server-name", help="name in the certificate [HOLDFAST_TLS_SERVER_NAME]")
    options.add_argument(
        "--tls-skip-verify",
        action="store_true",
        help="accept any certificate: anybody on the way can read everything [HOLDFAST_SKIP_VERIFY]",
    )
    options.add_argument(
        "--allow-plaintext-off-loopback",
        action="store_true",
        help="accept http:// to another machine: anybody on the way can read everything",
    )
    options.add_argument("--namespace", "--ns", help="namespace of the request [HOLDFAST_NAMESPACE]")
    options.add_argument(
        "--header", action="append", default=[], metavar="NAME=VALUE", help="send this header as well"
    )
    options.add_argument(
        "--disable-redirects",
        action="store_true",
        help="taken for the sake of scripts; none is ever followed",
    )
    options.add_argument("--non-interactive", action="store_true", help="never ask for anything")
    add_preview_options(parser)


def add_format_option(parser: CommandParser, *more: str) -> None:
    """Declare how the result is printed; ``more`` are formats that only some commands have."""
    formats = (*FORMATS, *more)
    parser.add_argument(
        "--format",
        type=one_of(*formats),
        default=setting("FORMAT") or "table",
        help=f"{', '.join(formats[:-1])} or {formats[-1]} [HOLDFAST_FORMAT; table]",
    )


def connect(
    arguments: Namespace, *, token: SecretBytes | None = None, anonymous: bool = False
) -> VaultClient:
    """Return a client of the Vault dialect.

    Args:
        arguments: parsed, with the server options.
        token: act as this token instead of the configured one.
        anonymous: send no token, as for a login.

    Raises:
        LocalError: a setting cannot be used.
    """
    address, tls = arguments.address or setting("ADDR") or DEFAULT_ADDRESS, _tls(arguments)
    try:
        return VaultClient(
            address,
            None if anonymous else token or configured_token(),
            tls=tls,
            namespace=arguments.namespace or setting("NAMESPACE"),
            timeout_seconds=seconds("CLIENT_TIMEOUT", default=60),
            retries=count("MAX_RETRIES", default=DEFAULT_RETRIES, most=MOST_RETRIES),
            allow_plaintext_off_loopback=arguments.allow_plaintext_off_loopback,
            headers=_more_headers(arguments.header),
            inspect=previewer(arguments, address, tls),
        )
    except InvalidInputError as error:
        raise LocalError(error.message) from None


def connect_dcos(arguments: Namespace, *, store: str) -> DcosClient:
    """Return a client of the DC/OS dialect; ``DCOS_URL`` and ``DCOS_ACS_TOKEN`` count too.

    Raises:
        LocalError: a setting cannot be used.
    """
    refuse_preview(arguments)
    try:
        return DcosClient(
            _dcos_address(arguments),
            configured_token("DCOS_ACS_TOKEN"),
            store=store,
            tls=_tls(arguments),
            allow_plaintext_off_loopback=arguments.allow_plaintext_off_loopback,
        )
    except InvalidInputError as error:
        raise LocalError(error.message) from None


def connect_iam(arguments: Namespace, *, anonymous: bool = False) -> IamClient:
    """Return a client of the DC/OS IAM; address and token are those of ``connect_dcos``.

    Args:
        arguments: parsed, with the server options.
        anonymous: send no token, as for a login.

    Raises:
        LocalError: a setting cannot be used.
    """
    refuse_preview(arguments)
    try:
        return IamClient(
            _dcos_address(arguments),
            None if anonymous else configured_token("DCOS_ACS_TOKEN"),
            tls=_tls(arguments),
            allow_plaintext_off_loopback=arguments.allow_plaintext_off_loopback,
        )
    except InvalidInputError as error:
        raise LocalError(error.message) from None


def configured_token(*other_variables: str) -> SecretBytes | None:
    """Return the token of the environment, else the one that ``login`` kept, else ``None``."""
    if text := setting("TOKEN", *other_variables):
        return SecretBytes(text.strip().encode())
    return read_token(Path.home())


def _more_headers(given: list[str]) -> dict[str, str]:
    headers = parse_option_pairs(given, option="--header")
    for name, value in headers.items():
        if name.lower().startswith("x-vault-"):
            raise UsageError(
                "--header: expected none that starts with X-Vault-; these have options of their own"
            )
        if not (name.isascii() and name.isprintable() and value.isprintable() and value.isascii()):
            raise UsageError("--header: expected printable ASCII text")
    return headers


def _dcos_address(arguments: Namespace) -> str:
    address: str = arguments.address or setting("ADDR", "DCOS_URL", "DCOS_CLUSTER_URL") or DEFAULT_ADDRESS
    return address


def _tls(arguments: Namespace) -> TlsSettings:
    return TlsSettings(
        ca_cert=arguments.ca_cert or setting("CACERT"),
        ca_path=arguments.ca_path or setting("CAPATH"),
        ca_pem="" if arguments.ca_cert else setting("CACERT_BYTES"),
        client_cert=arguments.client_cert or setting("CLIENT_CERT"),
        client_key=arguments.client_key or setting("CLIENT_KEY"),
        server_name=arguments.tls_server_name or setting("TLS_SERVER_NAME"),
        unsafe_skip_verification=arguments.tls_skip_verify or switch("SKIP_VERIFY"),
    )
