"""``hfctl volume access`` and its likes: whom something belongs to, and who else may use it, and how far.

One set of commands for every kind of thing that has an owner; a ``Kind`` says where one is found. Entries are
added and removed on the node, so that two people who change a list at once do not undo each other.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.hfctl.connection import (
    add_node_options,
    node_client,
    output_format,
    print_answer,
    prints_for_programs,
)
from holdfast.cli.output import print_result, printable
from holdfast.cli.program import Run
from holdfast.client import SdkClient

ACCESS_TYPES = {"r": "Read", "w": "Write", "a": "Admin", "read": "Read", "write": "Write", "admin": "Admin"}
NOBODY = "none"
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that has an owner.

    Attributes:
        title: what it is called at the head of an answer.
        word: ... and within a sentence.
        inspect: asks for one, by name or id, and returns what it is called and its ownership.
        access_path: where its access is changed, below ``/v1``.
        id_field: how the request for that names it.
    """

    title: str
    word: str
    inspect: Callable[[SdkClient, str], tuple[str, Mapping[str, Any]]]
    access_path: str
    id_field: str


def _inspect_volume(client: SdkClient, reference: str) -> tuple[str, Mapping[str, Any]]:
    volume = client.request("GET", f"volumes/inspect/{reference}")["volume"]
    name = str(volume.get("locator", {}).get("name") or reference)
    return name, volume.get("spec", {}).get("ownership", {})


VOLUME = Kind("Volume", "volume", _inspect_volume, "volumes/access/{id}", "volume_id")


def show_volume(parser: CommandParser) -> Run:
    """Show whom a volume belongs to, and who else may use it."""
    return declare_show(parser, VOLUME)


def add_volume(parser: CommandParser) -> Run:
    """Let others use a volume: r to inspect and clone it, w also to mount it, a also to delete and share it.

    For example:

        hfctl volume access add data --collaborator bob:w --group team:r
        hfctl volume access add data --public r
    """
    return declare_add(parser, VOLUME)


def remove_volume(parser: CommandParser) -> Run:
    """Take access to a volume away from those who were let in by name, by group or as the public."""
    return declare_remove(parser, VOLUME)


def update_volume(parser: CommandParser) -> Run:
    """Replace the whole list of who else may use a volume, or give it another owner.

    A part of the list that is not named is empty afterwards; with --owner alone the list stays as it is. Only
    the storage administrator gives something to another owner.

    For example:

        hfctl volume access update data --groups team:r,ops:w --collaborators bob:a
        hfctl volume access update data --groups "" --collaborators ""
        hfctl volume access update data --owner carol
    """
    return declare_update(parser, VOLUME)


def declare_show(parser: CommandParser, kind: Kind) -> Run:
    """Declare what shows whom one of a kind belongs to, and who else may use it."""
    _declare_name(parser, kind)
    return lambda arguments: _show(arguments, kind)


def declare_add(parser: CommandParser, kind: Kind) -> Run:
    """Declare what lets somebody in."""
    parser.add_argument(
        "--collaborator", action="append", default=[], metavar="USER[:r|w|a]", help="let this user in [:r]"
    )
    parser.add_argument(
        "--group", action="append", default=[], metavar="GROUP[:r|w|a]", help="let this group in [:r]"
    )
    parser.add_argument("--public", metavar="r|w|a", help="let everybody in, guests too")
    _declare_name(parser, kind)
    return lambda arguments: _add(arguments, kind)


def declare_remove(parser: CommandParser, kind: Kind) -> Run:
    """Declare what lets somebody in no more."""
    parser.add_argument("--collaborator", action="append", default=[], metavar="USER", help="this user")
    parser.add_argument("--group", action="append", default=[], metavar="GROUP", help="this group")
    parser.add_argument("--public", action="store_true", help="everybody who has no other access")
    _declare_name(parser, kind)
    return lambda arguments: _remove(arguments, kind)


def declare_update(parser: CommandParser, kind: Kind) -> Run:
    """Declare what replaces the whole list, or the owner."""
    parser.add_argument("--owner", metavar="USER", help="the new owner")
    parser.add_argument("--groups", metavar="GROUP[:r|w|a],...", help="all groups, in place of the old ones")
    parser.add_argument("--collaborators", metavar="USER[:r|w|a],...", help="all users, likewise")
    parser.add_argument("--public", metavar="r|w|a|none", help="how far everybody is let in")
    _declare_name(parser, kind)
    return lambda arguments: _update(arguments, kind)


def _declare_name(parser: CommandParser, kind: Kind) -> None:
    parser.add_argument(kind.word.replace(" ", "_"), help="name or id")
    add_node_options(parser)


def _show(arguments: Namespace, kind: Kind) -> int:
    name, ownership = kind.inspect(node_client(arguments), _reference(arguments, kind))
    if prints_for_programs(arguments):
        print_result(for_programs(ownership), output_format(arguments))
    else:
        for line in layout(kind.title, name, ownership):
            print(printable(line))
    return 0


def for_programs(ownership: Mapping[str, Any]) -> dict[str, Any]:
    """Return an ownership as programs are told of it: the public's access too is named, if it is to read."""
    acls = dict(ownership.get("acls", {}))
    if "public" in acls:
        acls["public"] = {"type": acls["public"].get("type", "Read")}
    return {**ownership, "acls": acls} if acls else dict(ownership)


def layout(title: str, name: str, ownership: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that show an ownership."""
    acls = ownership.get("acls", {})
    yield f"{title}:  {name}"
    yield f"{_INDENT}Ownership:"
    yield f"{_INDENT * 2}Owner:  {ownership.get('owner') or 'nobody'}"
    yield f"{_INDENT * 2}Acls:"
    for heading in ("groups", "collaborators"):
        if entries := acls.get(heading):
            yield f"{_INDENT * 3}{heading.capitalize()}:"
            for who in sorted(entries):
                yield f"{_INDENT * 4}{who}  {entries[who]}"
    if "public" in acls:
        yield f"{_INDENT * 3}Public:  {acls['public'].get('type', 'Read')}"


def _add(arguments: Namespace, kind: Kind) -> int:
    added: dict[str, Any] = {
        "groups": parse_entries(arguments.group, "--group"),
        "collaborators": parse_entries(arguments.collaborator, "--collaborator"),
    }
    if arguments.public is not None:
        added["public"] = {"type": _access(arguments.public, "--public")}
    if not any(added.values()):
        raise UsageError("expected --collaborator, --group or --public")
    return _change(arguments, kind, {"add": {name: part for name, part in added.items() if part}})


def _remove(arguments: Namespace, kind: Kind) -> int:
    removed: dict[str, Any] = {
        "remove_groups": arguments.group,
        "remove_collaborators": arguments.collaborator,
        "remove_public": arguments.public,
    }
    if not any(removed.values()):
        raise UsageError("expected --collaborator, --group or --public")
    return _change(arguments, kind, {name: part for name, part in removed.items() if part})


def _update(arguments: Namespace, kind: Kind) -> int:
    lists = (arguments.groups, arguments.collaborators, arguments.public)
    if arguments.owner is None and all(each is None for each in lists):
        raise UsageError("expected --owner, --groups, --collaborators or --public")
    change: dict[str, Any] = {}
    if arguments.owner is not None:
        change["owner"] = owner_word(arguments.owner)
    if any(each is not None for each in lists):
        whole: dict[str, Any] = {
            "groups": parse_entries([arguments.groups or ""], "--groups"),
            "collaborators": parse_entries([arguments.collaborators or ""], "--collaborators"),
        }
        if arguments.public not in {None, NOBODY, ""}:
            whole["public"] = {"type": _access(arguments.public, "--public")}
        change["replace"] = whole
    return _change(arguments, kind, change)


def _change(arguments: Namespace, kind: Kind, change: Mapping[str, Any]) -> int:
    reference = _reference(arguments, kind)
    path = kind.access_path.format(id=reference)
    answer = node_client(arguments).request("PUT", path, {kind.id_field: reference, **change})
    ownership = for_programs(answer.get("ownership", {}))
    return print_answer(arguments, ownership, f"Access to {kind.word} {reference} successfully updated")


def owner_word(text: str) -> str:
    """Return the name of a new owner; nobody is none, and whatever has an owner keeps one.

    Raises:
        UsageError: it is empty.
    """
    if not text.strip():
        raise UsageError("--owner: expected the name of a user")
    return text


def _reference(arguments: Namespace, kind: Kind) -> str:
    return str(getattr(arguments, kind.word.replace(" ", "_")))


def parse_entries(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return who is let in how far, from texts such as ``bob:w,carol``.

    What stands behind the last colon is the access type; without a colon it is Read.

    Raises:
        UsageError: an empty name, an unknown access type, or a name that stands twice.
    """
    entries: dict[str, str] = {}
    for entry in (part for text in texts for part in text.split(",") if part):
        name, colon, access = entry.rpartition(":")
        if not colon:
            name, access = entry, "r"
        if not name.strip():
            raise UsageError(f"{option}: expected a name, such as bob:r")
        if name in entries:
            raise UsageError(f"{option}: expected each name once")
        entries[name] = _access(access, option)
    return entries


def _access(text: str, option: str) -> str:
    if text.lower() not in ACCESS_TYPES:
        raise UsageError(f"{option}: expected r, w or a (behind the last colon, if there is one)")
    return ACCESS_TYPES[text.lower()]
