"""``hfctl secrets <provider> login``: have this node use other credentials at its provider until it stops.

What was given is sent to the node, which tries it and keeps it in memory. Passwords and tokens are asked for,
or read from a pipe (``-``); on the line they are taken with a warning.
"""

import sys
from argparse import Namespace
from collections.abc import Mapping

from holdfast.cli.arguments import CommandParser
from holdfast.cli.hfctl.connection import add_node_options, node_client, print_answer
from holdfast.cli.program import Run
from holdfast.cli.typed_input import secret_word
from holdfast.errors import HoldfastError
from holdfast.model import SecretBytes

LOGIN = "cluster/secrets/login"

_SECRET = frozenset({"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_TOKEN_KEY"})
_ASKED_FOR = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_TOKEN_KEY"),
    *("AWS_CMK", "AWS_REGION"),
)

# Word for word as the original has it: people search for it.
DCOS_WARNING = (
    "** WARNING, this is probably not what you want to do. This login will not be persisted across PX or "
    "node reboots and also expire in 5 days. Please provide your login information through package config "
    "or refer docs.portworx.com for more information."
)


def vault(parser: CommandParser) -> Run:
    """Log in to Vault with a token.

    For example:

        hfctl secrets vault login --vault-address https://vault.example:8200
    """
    parser.add_argument("--vault-address", metavar="URL", help="address of the store [the node's]")
    parser.add_argument("--vault-token", metavar="TOKEN", help="token; - reads it from a pipe [asked for]")
    parser.add_argument("--vault-namespace", metavar="NAME", help="namespace of the store [the node's]")
    add_node_options(parser)
    return _vault


def dcos(parser: CommandParser) -> Run:
    """Log in to DC/OS Secrets with a user's name and password.

    For example:

        hfctl secrets dcos login --username px-user --base-path pwx/secrets
    """
    parser.add_argument("--username", metavar="NAME", required=True, help="user of the cluster")
    parser.add_argument("--password", metavar="WORD", help="his password; - reads it from a pipe [asked for]")
    parser.add_argument("--base-path", metavar="PATH", help="path that the secrets lie below [the node's]")
    add_node_options(parser)
    return _dcos


def aws(parser: CommandParser) -> Run:
    """Log in to AWS with an access key; on a terminal, without options, all of it is asked for.

    Without an access key the node shows the role of its host or pod. For example:

        hfctl secrets aws login --aws_access_key AKIA... --aws_region eu-central-1
    """
    parser.add_argument("--aws_access_key", metavar="ID", help="access key id")
    parser.add_argument(
        "--aws_secret_key", metavar="KEY", help="secret key; - reads it from a pipe [asked for]"
    )
    parser.add_argument("--aws_cmk", metavar="ID", help="customer master key [the node's]")
    parser.add_argument("--aws_region", metavar="NAME", help="region [the node's]")
    add_node_options(parser)
    return _aws


def kubernetes(parser: CommandParser) -> Run:
    """Have the node read its service account again and try it."""
    add_node_options(parser)
    return _kubernetes


def _vault(arguments: Namespace) -> int:
    with secret_word(arguments.vault_token, prompt="Vault token", name="token") as token:
        settings = {
            "VAULT_ADDR": arguments.vault_address,
            "VAULT_NAMESPACE": arguments.vault_namespace,
            "VAULT_TOKEN": _text(token),
        }
    return _log_in(arguments, "vault", settings, "Successfully authenticated with Vault.")


def _dcos(arguments: Namespace) -> int:
    with secret_word(arguments.password, prompt="Password", name="password") as password:
        settings = {
            "DCOS_SECRETS_USERNAME": arguments.username,
            "DCOS_SECRETS_PASSWORD": _text(password),
            "SECRETS_BASE_PATH": arguments.base_path,
        }
    sentence = f"Successfully authenticated with DC/OS Secrets.\n{DCOS_WARNING}"
    return _log_in(arguments, "dcos", settings, sentence)


def _aws(arguments: Namespace) -> int:
    settings: dict[str, str | None] = {
        "AWS_ACCESS_KEY_ID": arguments.aws_access_key,
        "AWS_CMK": arguments.aws_cmk,
        "AWS_REGION": arguments.aws_region,
    }
    if not any(settings.values()) and arguments.aws_secret_key is None and sys.stdin.isatty():
        settings = {name: _ask(name) for name in _ASKED_FOR}
    elif arguments.aws_access_key or arguments.aws_secret_key:
        with secret_word(arguments.aws_secret_key, prompt="AWS_SECRET_ACCESS_KEY", name="secret key") as key:
            settings["AWS_SECRET_ACCESS_KEY"] = _text(key)
    return _log_in(arguments, "aws", settings, "Successfully authenticated with AWS.")


def _ask(name: str) -> str:
    """Ask as the original does; what is secret is not shown."""
    prompt = f"Enter {name} [Hit Enter to ignore]: "
    if name in _SECRET:
        from getpass import getpass

        return getpass(prompt, stream=sys.stderr).strip()
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _kubernetes(arguments: Namespace) -> int:
    return _log_in(arguments, "k8s", {}, "Successful Login to Secrets Endpoint!")


def _log_in(arguments: Namespace, kind: str, settings: Mapping[str, str | None], sentence: str) -> int:
    given = {name: value for name, value in settings.items() if value}
    try:
        answer = node_client(arguments).request("POST", LOGIN, {"SecretType": kind, "SecretConfig": given})
    except HoldfastError as error:
        error.message = error.message.removeprefix("SecretType: ")  # it is a word of the command
        raise
    return print_answer(arguments, answer, sentence)


def _text(secret: SecretBytes) -> str:
    return secret.reveal().decode()
