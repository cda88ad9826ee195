"""Options that hold pairs: ``--label tier=gold,team=db``, ``--secret_options vault-namespace=ns1``."""

from collections.abc import Sequence

from holdfast.cli.errors import UsageError

NAMESPACE_OPTION = "vault-namespace"


def parse_pairs(texts: Sequence[str], *, option: str) -> dict[str, str]:
    """Return the pairs of a repeated option.

    Raises:
        UsageError: a part has no equals sign, or a name occurs twice.
    """
    pairs: dict[str, str] = {}
    for part in (part for text in texts for part in text.split(",") if part):
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise UsageError(f"{option}: expected name=value, several separated by commas")
        if name in pairs:
            raise UsageError(f"{option}: expected each name once")
        pairs[name] = value
    return pairs


def namespace_of(texts: Sequence[str]) -> str:
    """Return the provider's namespace that ``--secret_options`` names, empty for none.

    Raises:
        UsageError: another option than ``vault-namespace``.
    """
    pairs = parse_pairs(texts, option="--secret_options")
    namespace = pairs.pop(NAMESPACE_OPTION, "")
    if pairs:
        raise UsageError(f"--secret_options: expected {NAMESPACE_OPTION}=<namespace>")
    return namespace
