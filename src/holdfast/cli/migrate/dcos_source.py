"""A store that speaks the DC/OS secrets API as a source: a cluster of DC/OS, or another Holdfast."""

from argparse import Namespace
from functools import partial

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError, UsageError
from holdfast.cli.migrate.dcos_login import add_login_options, check_login_options, source_token
from holdfast.cli.migrate.entry import Entry, NoSecretError
from holdfast.client import DcosClient, DcosValue, IamClient, TlsSettings
from holdfast.client.errors import RemoteError, RemoteNotFoundError
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.model import SecretBytes, parse_path

GONE = "gone from the source since its names were listed"


def add_source_options(parser: CommandParser) -> None:
    """Declare what is read, and how its server is reached and checked."""
    parser.add_argument("--url", required=True, help="of the cluster to read, such as https://master.mesos")
    parser.add_argument("--store", default="default", help="name of its secret store [default]")
    add_path_option(parser)
    add_login_options(parser)
    tls = parser.add_argument_group("certificate of the source")
    tls.add_argument(
        "--source-ca-cert", metavar="FILE", default="", help="PEM file of the authorities to trust"
    )
    tls.add_argument(
        "--source-tls-skip-verify",
        action="store_true",
        help="accept any certificate: anybody on the way can read everything",
    )
    tls.add_argument(
        "--source-plaintext-off-loopback",
        action="store_true",
        help="accept http:// to another machine: anybody on the way can read everything",
    )


def add_path_option(parser: CommandParser) -> None:
    """Declare which part of a store is read."""
    parser.add_argument(
        "--path",
        default="",
        help="only the secret of this path and those below; ending in /, only the latter",
    )


def connect_source(arguments: Namespace) -> DcosClient:
    """Log in at the source and return a client of it.

    Raises:
        LocalError: a setting or file cannot be used.
        RemoteError: the source does not let us in.
    """
    check_login_options(arguments)
    tls = TlsSettings(
        ca_cert=arguments.source_ca_cert, unsafe_skip_verification=arguments.source_tls_skip_verify
    )
    plaintext = arguments.source_plaintext_off_loopback

    def iam() -> IamClient:
        return IamClient(arguments.url, tls=tls, allow_plaintext_off_loopback=plaintext)

    def secrets(token: SecretBytes) -> DcosClient:
        return DcosClient(
            arguments.url, token, store=arguments.store, tls=tls, allow_plaintext_off_loopback=plaintext
        )

    try:
        return secrets(source_token(arguments, iam()))
    except InvalidInputError as error:
        if isinstance(error, RemoteError):
            raise
        raise LocalError(error.message) from None


def entries_of_store(client: DcosClient, path: str) -> list[Entry]:
    """Return an entry for the secret at ``path``, if there is one, and for each below it.

    Args:
        client: of the store.
        path: empty for the whole store; ending in a slash for what is below only.

    Raises:
        UsageError: ``path`` is none.
        RemoteError: the store does not tell its names.
    """
    try:
        directory = parse_path(path, field="--path").as_directory().text
    except HoldfastError as error:
        raise UsageError(error.message) from None
    names = [directory + name.removeprefix("/") for name in client.list(directory.removesuffix("/"))]
    itself = directory.removesuffix("/")
    if itself and not path.endswith("/") and _may_be_secret(client, itself):
        names.insert(0, itself)
    return [Entry(name, partial(_read, client, name)) for name in names]


def _may_be_secret(client: DcosClient, path: str) -> bool:
    try:
        client.read(path)
    except RemoteNotFoundError:
        return False
    except HoldfastError:
        return True  # so that the trouble appears in the report
    return True


def _read(client: DcosClient, name: str) -> DcosValue:
    try:
        return client.read(name)
    except RemoteNotFoundError:
        raise NoSecretError(GONE) from None
