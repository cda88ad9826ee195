"""Named policies at rest: the text as its author wrote it, checked before it is stored.

Names are folded to lower case on every way in, so that ``Root`` is ``root`` wherever it is compared.
``root`` is not a text: it can be neither read, written nor removed. ``response-wrapping`` is the same for
every store, and cannot be changed. ``default`` is a text that every
token gets unless it was made without; it can be changed but not removed.
"""

from functools import cache

from holdfast.errors import InvalidInputError
from holdfast.model import parse_path
from holdfast.policy.acl import Policy, parse_policy, root_policy
from holdfast.policy.builtin import DEFAULT_POLICY, RESPONSE_WRAPPING, RESPONSE_WRAPPING_POLICY
from holdfast.storage.interface import Reader, Transaction

MAX_POLICY_BYTES = 1024 * 1024
_PAGE = 1000
_IMMUTABLE = ("root", RESPONSE_WRAPPING)


def fold_name(name: str) -> str:
    """Return the form in which policy names are stored and compared.

    Raises:
        InvalidInputError: not a name: empty, with a slash, or with characters that no path may have.
    """
    folded = parse_path(name.strip(), field="policy name").text.lower()
    if not folded or "/" in folded:
        raise InvalidInputError("policy name: expected a name without a slash")
    return folded


def load_policy_text(view: Reader, name: str) -> str | None:
    """Return the text of policy ``name`` (already folded), or ``None``."""
    record = view.get(name)
    return None if record is None else record.decode()


def load_policy(view: Reader, name: str) -> Policy | None:
    """Return the parsed policy ``name`` (already folded); ``None`` for a name without a policy."""
    if name == "root":
        return root_policy()
    if name == RESPONSE_WRAPPING:
        return parse_policy(name, RESPONSE_WRAPPING_POLICY)
    text = load_policy_text(view, name)
    return None if text is None else parse_policy(name, text)


def list_policies(view: Reader, *, with_root: bool) -> list[str]:
    """Return all names, sorted; ``root`` is among them in the root namespace."""
    names = ["root"] if with_root else []
    after = ""
    while page := view.list("", after=after, limit=_PAGE):
        names.extend(page)
        after = page[-1]
    return sorted(names)


def save_policy(tx: Transaction, name: str, text: str) -> None:
    """Check and store a policy under a folded name.

    Raises:
        InvalidInputError: the text does not parse, is empty or too large, or the policy is not to be changed.
    """
    if name in _IMMUTABLE:
        raise InvalidInputError(f'cannot update "{name}" policy')
    if not text.strip():
        raise InvalidInputError("'policy' parameter not supplied or empty")
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise InvalidInputError(f"policy: expected at most {MAX_POLICY_BYTES} bytes")
    parse_policy(name, text)
    tx.put(name, text.encode())


def delete_policy(tx: Transaction, name: str) -> None:
    """Remove a policy; an absent one is fine.

    Raises:
        InvalidInputError: ``root``, ``default`` and ``response-wrapping`` stay.
    """
    if name in {*_IMMUTABLE, "default"}:
        raise InvalidInputError(f'cannot delete "{name}" policy')
    tx.delete(name)


def save_builtin_policies(tx: Transaction) -> None:
    """Store the policies that a new store, or a namespace, starts with."""
    tx.put("default", _default_text())


@cache
def _default_text() -> bytes:
    """Return the text of ``default``, checked once: each of very many namespaces begins with it."""
    parse_policy("default", DEFAULT_POLICY)
    return DEFAULT_POLICY.encode()
