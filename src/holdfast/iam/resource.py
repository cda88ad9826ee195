"""Resource ids (rids): one spelling for each, and what those about secrets speak of.

    dcos:secrets:<store>:/<path>            one secret
    dcos:secrets:<store>:/<path>/*          all secrets below, at any depth
    dcos:secrets:list:<store>:/<path>       the names below a folder; / alone is all names
    dcos:secrets:list:<store>:/<path>/*     the same
    dcos:secrets:space:<store>:/<service>   the secrets that a service may use, see ``policy.space``
    dcos:superuser                          everything
    anything else                           kept as it is, and opens nothing here

Older clients leave out the slash before the path; both spellings are one rid, and the slash is shown. Only
``/*`` at the very end is a wildcard: everywhere else ``*`` is a character like any other, and so is ``+``.
``space`` is ours; DC/OS applies that rule when a service is started, and has no rid for it.
"""

import re
from dataclasses import dataclass
from enum import Enum

from holdfast.errors import InvalidInputError
from holdfast.iam.errors import Code, refusal
from holdfast.model import parse_path

SUPERUSER = "dcos:superuser"
SECRETS = "dcos:secrets:"
MAX_OTHER_LENGTH = 512

_OTHER = re.compile(rf"[!-~]{{1,{MAX_OTHER_LENGTH}}}")  # printable ASCII without blanks
_STORE = re.compile(r"[A-Za-z0-9_.-]{1,96}")


class Scope(Enum):
    """Which secrets a rid speaks of, and whether of their values or their names."""

    SECRET = ""
    BELOW = "below"
    NAMES = "list"
    SPACE = "space"


@dataclass(frozen=True, slots=True)
class SecretResource:
    """A rid about secrets, taken apart.

    Attributes:
        store: the store's name.
        scope: what it speaks of.
        path: canonical, without slashes around it: the secret, the folder, or the service; may be empty
            where ``scope`` is ``BELOW`` or ``NAMES``, and then stands for everything.
    """

    store: str
    scope: Scope
    path: str


def is_store_name(text: str) -> bool:
    """Whether a store of this name can be spoken of in rids, without being taken for something else."""
    return _STORE.fullmatch(text) is not None and text not in {Scope.NAMES.value, Scope.SPACE.value}


def canonical_rid(text: str) -> str:
    """Return the one spelling of a rid.

    Raises:
        InvalidInputError: it cannot be a rid.
    """
    if not text.startswith(SECRETS):
        if not _OTHER.fullmatch(text):
            raise refusal(
                Code.INVALID_RESOURCE_ID,
                f"rid: expected 1 to {MAX_OTHER_LENGTH} printable ASCII characters without blanks",
            )
        return text
    resource = _parse(text)
    kind = f"{resource.scope.value}:" if resource.scope in {Scope.NAMES, Scope.SPACE} else ""
    end = ("/*" if resource.path else "*") if resource.scope is Scope.BELOW else ""
    return f"{SECRETS}{kind}{resource.store}:/{resource.path}{end}"


def secret_resource(rid: str) -> SecretResource | None:
    """Return what a canonical rid says of secrets; ``None`` for a rid about something else."""
    return _parse(rid) if rid.startswith(SECRETS) else None


def _parse(text: str) -> SecretResource:
    rest, scope = text.removeprefix(SECRETS), Scope.SECRET
    for special in (Scope.NAMES, Scope.SPACE):
        if rest.startswith(f"{special.value}:"):
            rest, scope = rest.removeprefix(f"{special.value}:"), special
    store, colon, path = rest.partition(":")
    if not colon or not _STORE.fullmatch(store):
        raise _invalid("expected dcos:secrets:<store>:/<path>, or :list: or :space: before the store")
    path = path.removeprefix("/")
    if scope is Scope.SECRET and (path == "*" or path.endswith("/*")):
        scope, path = Scope.BELOW, path[:-1]
    elif scope is Scope.NAMES:
        path = path.removesuffix("*") if path == "*" or path.endswith("/*") else path
    elif not path or path.endswith("/"):
        raise _invalid("expected a path that ends in a name or in /*")
    return SecretResource(store, scope, _checked(path))


def _checked(path: str) -> str:
    """Return a canonical path without the slash that a folder ends in."""
    if path.startswith("/"):
        raise _invalid("expected one slash between names")
    try:
        return parse_path(path, field="rid").text.removesuffix("/")
    except InvalidInputError as error:
        raise refusal(Code.INVALID_RESOURCE_ID, error.message) from None


def _invalid(problem: str) -> Exception:
    return refusal(Code.INVALID_RESOURCE_ID, f"rid: {problem}")
