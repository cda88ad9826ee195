"""``hfctl credentials``: access to stores of objects, whose secret parts the node keeps in its provider."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.cli.arguments import CommandParser, one_of
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.access import Kind, declare_add, declare_remove, declare_show, declare_update
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.hfctl.secret_options import add_secret_options, given_secret
from holdfast.cli.output import print_pairs, print_result, print_table, remark
from holdfast.cli.program import Run
from holdfast.client import SdkClient

PROVIDERS = ("s3", "azure", "google", "nfs")
FIELDS = {provider: f"{'aws' if provider == 's3' else provider}_credential" for provider in PROVIDERS}
COMMON = ("NAME", "BUCKET", "ENCRYPTION")
# What a list says of each kind, beside UUID and COMMON: heading, then the field of the kind's message.
COLUMNS = {
    "s3": ("S3", {"REGION": "region", "ENDPOINT": "endpoint", "ACCESS KEY": "access_key"}),
    "azure": ("Azure", {"ACCOUNT NAME": "account_name"}),
    "google": ("Google", {"PROJECT ID": "project_id"}),
    "nfs": ("NFS", {"SERVER": "server", "SUB PATH": "sub_path"}),
}


def create(parser: CommandParser) -> Run:
    """Store access to a store of objects, once the node has tried it where it can.

    The secret is asked for, unless a file, a variable or a pipe has it. For example:

        hfctl credentials create files --provider nfs --nfs-server nfs.example.com --nfs-sub-path /backups
    """
    parser.add_argument("name", help="unique within the cluster")
    parser.add_argument("--provider", type=one_of(*PROVIDERS), help=", ".join(PROVIDERS))
    parser.add_argument("--bucket", help="bucket or container [one named after the cluster]")
    parser.add_argument("--s3-access-key", help="public name of the key")
    add_secret_options(parser, "--s3-secret-key", what="the key")
    parser.add_argument("--s3-region", help="such as us-east-1")
    parser.add_argument("--s3-endpoint", metavar="HOST[:PORT]", help="of the service")
    parser.add_argument("--s3-disable-ssl", action="store_true", help="speak to the service without TLS")
    parser.add_argument(
        "--disable-path-style", action="store_true", help="put the bucket in front of the host's name"
    )
    parser.add_argument("--s3-storage-class", help="of new objects, such as STANDARD_IA")
    parser.add_argument("--s3-sse", help="encryption at the service: AES256 or aws:kms")
    parser.add_argument("--azure-account-name", help="of the storage account")
    add_secret_options(parser, "--azure-account-key", what="the account's key")
    parser.add_argument("--google-project-id", help="of the project")
    add_secret_options(parser, "--google-json-key", what="the service account's key", in_file_only=True)
    parser.add_argument("--nfs-server", help="host or address")
    parser.add_argument("--nfs-sub-path", help="below what the server exports")
    parser.add_argument("--nfs-mount-opts", metavar="OPTION,...", help="such as vers=4.2,hard")
    parser.add_argument("--nfs-timeout-seconds", type=int, metavar="SECONDS", help="how long a call may take")
    add_secret_options(parser, "--encryption-passphrase", what="what backups are encrypted with")
    parser.add_argument("--use-iam", action="store_true", help="not offered: nodes lend nobody their rights")
    parser.add_argument("--use-proxy", action="store_true", help="not offered: nodes reach services directly")
    add_node_options(parser)
    return _create


def list_credentials(parser: CommandParser) -> Run:
    """List the credentials that you may see, without their secrets."""
    add_node_options(parser)
    return _list


def inspect(parser: CommandParser) -> Run:
    """Show one credential, without its secrets."""
    _declare_reference(parser)
    return _inspect


def validate(parser: CommandParser) -> Run:
    """Have the node try whether a credential opens what it is for, where it can."""
    _declare_reference(parser)
    return _validate


def delete(parser: CommandParser) -> Run:
    """Forget a credential, and remove its secrets from the provider."""
    _declare_reference(parser)
    return _delete


def delete_references(parser: CommandParser) -> Run:
    """Forget what still waits for a credential."""
    _declare_reference(parser)
    return _delete_references


def _find(client: SdkClient, reference: str) -> tuple[str, Mapping[str, Any]]:
    credential = client.request("GET", f"credentials/inspect/{reference}")
    return str(credential.get("name") or reference), credential.get("ownership", {})


CREDENTIAL = Kind("Credential", "credential", _find, "credentials/access/{id}", "credential_id")


def show_access(parser: CommandParser) -> Run:
    """Show whom a credential belongs to, and who else may use it."""
    return declare_show(parser, CREDENTIAL)


def add_access(parser: CommandParser) -> Run:
    """Let others use a credential: r to see, try and use it, a also to change, share and delete it."""
    return declare_add(parser, CREDENTIAL)


def remove_access(parser: CommandParser) -> Run:
    """Take access to a credential away again."""
    return declare_remove(parser, CREDENTIAL)


def update_access(parser: CommandParser) -> Run:
    """Replace the whole list of who else may use a credential, or give it another owner."""
    return declare_update(parser, CREDENTIAL)


def _declare_reference(parser: CommandParser) -> None:
    parser.add_argument("credential", nargs="?", help="name or id")
    parser.add_argument("--uuid", metavar="ID", help="the same")
    add_node_options(parser)


def _reference(arguments: Namespace) -> str:
    named = [each for each in (arguments.credential, arguments.uuid) if each]
    if len(named) != 1:
        raise UsageError("expected the name or the id of one credential")
    return str(named[0])


def _create(arguments: Namespace) -> int:
    if arguments.provider is None:
        raise UsageError(f"--provider: expected one of {', '.join(PROVIDERS)}")
    body = {
        "name": arguments.name,
        "bucket": arguments.bucket or "",
        "use_proxy": arguments.use_proxy,
        "iam_policy": arguments.use_iam,
        "s3_storage_class": arguments.s3_storage_class or "",
        FIELDS[arguments.provider]: _account(arguments),
        "encryption_key": given_secret(arguments, "--encryption-passphrase") or "",
    }
    answer = node_client(arguments).request("POST", "credentials", body)
    _remark_checked(answer)
    sentence = f"Credentials created successfully, UUID:{answer['credential_id']}"
    return print_answer(arguments, answer, sentence)


def _account(arguments: Namespace) -> dict[str, Any]:
    match arguments.provider:
        case "s3":
            fields = {
                "access_key": arguments.s3_access_key,
                "endpoint": arguments.s3_endpoint,
                "region": arguments.s3_region,
                "disable_ssl": arguments.s3_disable_ssl,
                "disable_path_style": arguments.disable_path_style,
                "server_side_encryption": arguments.s3_sse,
                "secret_key": None
                if arguments.use_iam
                else given_secret(arguments, "--s3-secret-key", prompt="Secret key"),
            }
        case "azure":
            fields = {
                "account_name": arguments.azure_account_name,
                "account_key": given_secret(arguments, "--azure-account-key", prompt="Account key"),
            }
        case "google":
            if arguments.google_json_key_file is None:
                raise UsageError("--google-json-key-file: expected the key file of a service account")
            fields = {
                "project_id": arguments.google_project_id,
                "json_key": given_secret(arguments, "--google-json-key"),
            }
        case _:
            fields = {
                "server": arguments.nfs_server,
                "sub_path": arguments.nfs_sub_path,
                "mount_opts": arguments.nfs_mount_opts,
                "timeout_seconds": arguments.nfs_timeout_seconds,
            }
    return {name: value for name, value in fields.items() if value is not None}


def _list(arguments: Namespace) -> int:
    client = node_client(arguments)
    identities = client.request("GET", "credentials").get("credential_ids", [])
    found = [client.request("GET", f"credentials/inspect/{identity}") for identity in identities]
    if prints_for_programs(arguments):
        print_result(found, output_format(arguments))
        return 0
    shown = [provider for provider in PROVIDERS if any(FIELDS[provider] in each for each in found)]
    for number, provider in enumerate(shown):
        title, columns = COLUMNS[provider]
        print(f"{'' if number == 0 else chr(10)}{title} Credentials")
        ssl = ("SSL ENABLED",) if provider == "s3" else ()
        rows = [_row(each, provider) for each in found if FIELDS[provider] in each]
        print_table(("UUID", *columns, *ssl, *COMMON), rows)
    if not shown:
        remark("There are no credentials that you may see.")
    return 0


def _row(credential: Mapping[str, Any], provider: str) -> Sequence[Any]:
    account = credential[FIELDS[provider]]
    cells = [credential["credential_id"]]
    cells += [account.get(field, "") for field in COLUMNS[provider][1].values()]
    if provider == "s3":
        cells.append(not account.get("disable_ssl", False))
    return [
        *cells,
        credential.get("name", ""),
        credential.get("bucket", ""),
        credential.get("encrypts", False),
    ]


def _inspect(arguments: Namespace) -> int:
    credential = node_client(arguments).request("GET", f"credentials/inspect/{_reference(arguments)}")
    if prints_for_programs(arguments):
        print_result(credential, output_format(arguments))
        return 0
    provider = next(name for name in PROVIDERS if FIELDS[name] in credential)
    pairs: list[tuple[str, Any]] = [
        ("UUID", credential["credential_id"]),
        ("Name", credential.get("name", "")),
        ("Provider", provider),
        ("Bucket", credential.get("bucket", "")),
        ("Encryption", credential.get("encrypts", False)),
        ("Owner", credential.get("ownership", {}).get("owner", "")),
    ]
    print_pairs([*pairs, *credential[FIELDS[provider]].items()])
    return 0


def _validate(arguments: Namespace) -> int:
    answer = node_client(arguments).request("GET", f"credentials/validate/{_reference(arguments)}")
    _remark_checked(answer)
    return print_answer(arguments, answer, "Credential validated successfully")


def _delete(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"credentials/{_reference(arguments)}")
    if answer.get("secret_remains"):
        remark("The secrets provider is away; the node removes the secret from it when it is back.")
    return print_answer(arguments, answer, "Credential deleted successfully")


def _delete_references(arguments: Namespace) -> int:
    answer = node_client(arguments).request("DELETE", f"credentials/references/{_reference(arguments)}")
    return print_answer(arguments, answer, "References to the credential deleted successfully")


def _remark_checked(answer: Mapping[str, Any]) -> None:
    for sentence in answer.get("checked", []):
        remark(f"Checked: {sentence}.")
