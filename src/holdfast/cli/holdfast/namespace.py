"""``holdfast namespace create | list | lookup | patch | delete | lock | unlock``: stores within the store."""

from argparse import Namespace

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.answers import data_of, nothing_found, show_data, show_names
from holdfast.cli.holdfast.connection import add_format_option, add_server_options, connect
from holdfast.cli.holdfast.pairs import parse_option_pairs
from holdfast.cli.program import EXIT_OK, Run
from holdfast.cli.typed_input import secret_word
from holdfast.client.errors import RemoteNotFoundError

_PLACE = "from the namespace of the request, such as team or team/db"


def create(parser: CommandParser) -> Run:
    """Make a namespace, in one that is there."""
    parser.add_argument("path", help=_PLACE)
    _add_notes(parser)
    add_format_option(parser)
    add_server_options(parser)
    return _create


def list_names(parser: CommandParser) -> Run:
    """List the namespaces in that of the request, or in another."""
    parser.add_argument("path", nargs="?", default="", help=_PLACE)
    parser.add_argument("--recursive", action="store_true", help="with those in them")
    add_format_option(parser)
    add_server_options(parser)
    return _list


def lookup(parser: CommandParser) -> Run:
    """Show a namespace."""
    parser.add_argument("path", help=_PLACE)
    add_format_option(parser)
    add_server_options(parser)
    return _lookup


def patch(parser: CommandParser) -> Run:
    """Change some notes of a namespace, and keep the others."""
    parser.add_argument("path", help=_PLACE)
    _add_notes(parser)
    parser.add_argument(
        "--remove-custom-metadata",
        action="append",
        default=[],
        metavar="KEY",
        help="take this one away; may be repeated",
    )
    add_format_option(parser)
    add_server_options(parser)
    return _patch


def delete(parser: CommandParser) -> Run:
    """Delete a namespace with everything in it: secrets, policies, tokens."""
    parser.add_argument("path", help=_PLACE)
    add_server_options(parser)
    return _delete


def lock(parser: CommandParser) -> Run:
    """Refuse everything in a namespace and below it; print the key that ends this, once."""
    parser.add_argument("path", nargs="?", default="", help=f"{_PLACE} [the namespace of the request]")
    add_format_option(parser)
    add_server_options(parser)
    return _lock


def unlock(parser: CommandParser) -> Run:
    """Serve a namespace again; a root token needs no key for it."""
    parser.add_argument("path", nargs="?", default="", help=f"{_PLACE} [the namespace of the request]")
    parser.add_argument("--unlock-key", metavar="KEY", help="as lock printed it; - is standard input")
    add_server_options(parser)
    return _unlock


def _add_notes(parser: CommandParser) -> None:
    parser.add_argument(
        "--custom-metadata",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a note for whoever may look at the namespace; may be repeated",
    )


def _create(arguments: Namespace) -> int:
    notes = parse_option_pairs(arguments.custom_metadata, option="--custom-metadata")
    answer = connect(arguments).request(
        "POST", _api_path(arguments.path), {"custom_metadata": notes} if notes else {}
    )
    show_data(answer, arguments.format)
    return EXIT_OK


def _list(arguments: Namespace) -> int:
    path = f"{arguments.path.strip('/')}/sys/namespaces".lstrip("/")
    try:
        answer = connect(arguments).request("SCAN" if arguments.recursive else "LIST", path)
    except RemoteNotFoundError as error:
        if error.message:
            raise
        answer = {}
    return show_names(answer, path, arguments.format)


def _lookup(arguments: Namespace) -> int:
    path = _api_path(arguments.path)
    try:
        answer = connect(arguments).request("GET", path)
    except RemoteNotFoundError:
        return nothing_found(path)
    show_data(answer, arguments.format)
    return EXIT_OK


def _patch(arguments: Namespace) -> int:
    notes: dict[str, str | None] = dict.fromkeys(arguments.remove_custom_metadata)
    given = parse_option_pairs(arguments.custom_metadata, option="--custom-metadata")
    if both := notes.keys() & given.keys():
        raise UsageError(
            f"--remove-custom-metadata: expected no name that is given a value ({len(both)} are)"
        )
    answer = connect(arguments).request(
        "PATCH", _api_path(arguments.path), {"custom_metadata": {**notes, **given}}
    )
    show_data(answer, arguments.format)
    return EXIT_OK


def _delete(arguments: Namespace) -> int:
    answer = connect(arguments).request("DELETE", _api_path(arguments.path))
    path = arguments.path.strip("/")
    if data_of(answer).get("status") == "in-progress":
        print(f"Success! Nobody gets into {path}/ any more; what is in it is being removed")
    else:
        print(f"Success! Namespace deleted (if it existed): {path}/")
    return EXIT_OK


def _lock(arguments: Namespace) -> int:
    answer = connect(arguments).request("POST", _lock_path("lock", arguments.path))
    show_data(answer, arguments.format)
    return EXIT_OK


def _unlock(arguments: Namespace) -> int:
    body = {}
    if arguments.unlock_key is not None:
        key = secret_word(arguments.unlock_key, prompt="Unlock Key", name="unlock key", ask=False)
        body["unlock_key"] = key.reveal().decode()
    connect(arguments).request("POST", _lock_path("unlock", arguments.path), body)
    print("Success! Namespace unlocked")
    return EXIT_OK


def _api_path(path: str) -> str:
    """Return the path of the API for a namespace, by way of the namespace that it is in."""
    parent, _, name = path.strip("/").rpartition("/")
    if not name:
        raise UsageError("path: expected the path of a namespace")
    return f"{parent}/sys/namespaces/{name}".lstrip("/")


def _lock_path(what: str, path: str) -> str:
    return f"sys/namespaces/api-lock/{what}/{path.strip('/')}".rstrip("/")
