"""``holdfast security secrets create-sa-secret``: the credential of a service account, as a secret.

The secret is a JSON text that libraries of DC/OS log in with: who, with which private key, and where.
"""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import LocalError
from holdfast.cli.holdfast.connection import add_server_options, connect_dcos
from holdfast.cli.holdfast.security_input import bytes_of_private_key
from holdfast.cli.output import as_json
from holdfast.cli.program import EXIT_OK, Run

LOGIN_HOST = "master.mesos"
LOGIN_PATH = "/acs/api/v1/auth/login"


def create_service_secret(parser: CommandParser) -> Run:
    """Keep the private key of a service account as a secret that the service can log in with."""
    parser.add_argument("keyfile", help="PEM file with the private key; - is standard input")
    parser.add_argument("uid", help="name of the service account")
    parser.add_argument("path", help="of the new secret")
    parser.add_argument("--strict", action="store_true", help="the service logs in over https")
    parser.add_argument(
        "--login-endpoint",
        metavar="URL",
        help=f"where it logs in [http://{LOGIN_HOST}{LOGIN_PATH}, https with --strict]",
    )
    parser.add_argument("--store-id", "-s", default="default", help="name of the secret store [default]")
    add_server_options(parser)
    return _create


def _create(arguments: Namespace) -> int:
    pem = _checked(bytes_of_private_key(arguments.keyfile))
    scheme = "https" if arguments.strict else "http"
    credential = {
        "scheme": "RS256",
        "uid": arguments.uid,
        "private_key": pem,
        "login_endpoint": arguments.login_endpoint or f"{scheme}://{LOGIN_HOST}{LOGIN_PATH}",
    }
    connect_dcos(arguments, store=arguments.store_id).create(arguments.path, as_json(credential))
    return EXIT_OK


def _checked(pem: bytes) -> str:
    """Return the text of a key that a service account can log in with."""
    from holdfast.errors import InvalidInputError
    from holdfast.tokens.key_files import load_signing_key
    from holdfast.tokens.rsa_key import RsaSigningKey

    try:
        key = load_signing_key(pem)
    except InvalidInputError as error:
        raise LocalError(error.message) from None
    if not isinstance(key, RsaSigningKey):
        raise LocalError("private key: expected an RSA key; service accounts sign with RS256")
    return pem.decode("ascii", "replace")
