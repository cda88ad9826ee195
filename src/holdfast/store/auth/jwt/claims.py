"""Whether a verified token satisfies a role: its times, its audience and its claims. Decides, and does no IO.

Claims are named at the top level, or by a JSON pointer (RFC 6901) that starts with a slash.
"""

from dataclasses import dataclass
from typing import Any

from holdfast.errors import InvalidInputError
from holdfast.store.auth.globs import matches

DEFAULT_LEEWAY_SECONDS = 150
DEFAULT_CLOCK_SKEW_SECONDS = 60
MAX_VALUE_LENGTH = 512
MAX_GROUPS = 1000

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Leeways:
    """How exactly times are taken, in seconds: 0 is the default, below it none at all.

    Attributes:
        expiration: how long a token without ``exp`` holds after its other times.
        not_before: how long before its other times a token without ``nbf`` holds.
        clock_skew: how far the provider's clock may differ from ours.
    """

    expiration: int = 0
    not_before: int = 0
    clock_skew: int = 0


def find_claim(claims: dict[str, Any], name: str) -> Any:
    """Return the claim of this name or pointer, or ``None``."""
    if not name.startswith("/"):
        return claims.get(name)
    value: Any = claims
    for segment in name[1:].split("/"):
        key = segment.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key, _ABSENT)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = _ABSENT
        if value is _ABSENT:
            return None
    return value


def text_of(value: Any) -> str | None:
    """Return a scalar claim as text, as JSON writes it; ``None`` for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None


def check_times(claims: dict[str, Any], leeways: Leeways, *, now: float) -> None:
    """Return if a token holds at ``now``, in Unix seconds.

    Raises:
        InvalidInputError: it does not, or says nothing of time.
    """
    expires, begins, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if not (expires or begins or issued):
        raise InvalidInputError(
            "error validating token: expected at least one of the claims exp, nbf and iat"
        )
    if not expires:
        expires = max(begins, issued) + _leeway(leeways.expiration, DEFAULT_LEEWAY_SECONDS)
    if not begins:
        begins = issued or expires - _leeway(leeways.not_before, DEFAULT_LEEWAY_SECONDS)
    skew = _leeway(leeways.clock_skew, DEFAULT_CLOCK_SKEW_SECONDS)
    if now >= expires + skew:
        raise InvalidInputError("error validating token: it has expired; get a new one")
    if now < max(begins, issued) - skew:
        raise InvalidInputError(
            "error validating token: it is not valid yet; compare the clocks of both hosts"
        )


def check_audience(claims: dict[str, Any], bound: tuple[str, ...]) -> None:
    """Return if a token is meant for one of the ``bound`` audiences.

    Raises:
        InvalidInputError: it is meant for somebody else.
    """
    named = _listed(claims.get("aud"))
    if not bound:
        if named:
            raise InvalidInputError("audience claim found in JWT but no audiences bound to the role")
        return
    if not set(bound) & set(named):
        raise InvalidInputError("error validating claims: the aud claim does not match any bound audience")


def check_bound_claims(claims: dict[str, Any], bound: dict[str, list[str]], *, globs: bool) -> None:
    """Return if each bound claim has one of its values.

    Raises:
        InvalidInputError: one is missing, or has another value; names the claim.
    """
    for name, expected in bound.items():
        actual = _listed(find_claim(claims, name))
        if not actual:
            raise InvalidInputError(f'error validating claims: claim "{name}" is missing')
        if not any(_fits(pattern, value, globs=globs) for pattern in expected for value in actual):
            raise InvalidInputError(
                f'error validating claims: claim "{name}" does not match any associated bound claim values'
            )


def required_text(claims: dict[str, Any], name: str) -> str:
    """Return a claim that must be short printable text.

    Raises:
        InvalidInputError: it is missing, or is not.
    """
    value = text_of(find_claim(claims, name))
    if value is None or not _is_short_text(value):
        raise InvalidInputError(f'claim "{name}" not found in token, or is not short printable text')
    return value


def group_names(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the groups that a claim lists, each once.

    Raises:
        InvalidInputError: it is missing, or is no list of short printable texts.
    """
    value = find_claim(claims, name)
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) > MAX_GROUPS:
        raise InvalidInputError(
            f'claim "{name}" not found in token, or is no list of at most {MAX_GROUPS} names'
        )
    if any(not isinstance(each, str) or not _is_short_text(each) for each in names):
        raise InvalidInputError(f'claim "{name}": expected a list of short printable texts')
    return tuple(dict.fromkeys(names))


def mapped(claims: dict[str, Any], mappings: dict[str, str]) -> dict[str, str]:
    """Return the claims that shall become metadata, by their names there; absent ones are left out."""
    found = {to: text_of(find_claim(claims, name)) for name, to in mappings.items()}
    return {to: value[:MAX_VALUE_LENGTH] for to, value in found.items() if value is not None}


def _is_short_text(value: str) -> bool:
    return 0 < len(value) <= MAX_VALUE_LENGTH and value.isprintable()


def _fits(pattern: str, value: str, *, globs: bool) -> bool:
    return matches(pattern, value) if globs else pattern == value


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for each in values if (text := text_of(each)) is not None]


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise InvalidInputError(f"error validating token: expected the claim {name} to be a time")
    return float(value)


def _leeway(seconds: int, default: int) -> int:
    return default if seconds == 0 else max(0, seconds)
