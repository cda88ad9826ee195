"""Options that hold pairs: ``--label tier=gold,team=db``, ``--secret_options vault-namespace=ns1``."""

from collections.abc import Sequence

from holdfast.cli.errors import UsageError

NAMESPACE_OPTION = "vault-namespace"
# The same in the words of DC/OS (which store) and Kubernetes (which namespace of the cluster).
OTHER_NAMES = ("secret_store", "namespace")


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
        UsageError: another option than ``vault-namespace`` or what others call it, or two of them.
    """
    pairs = parse_pairs(texts, option="--secret_options")
    if pairs.keys() - {NAMESPACE_OPTION, *OTHER_NAMES} or len(pairs) > 1:
        others = " or ".join(f"{name}=<name>" for name in OTHER_NAMES)
        raise UsageError(f"--secret_options: expected {NAMESPACE_OPTION}=<namespace>, {others}")
    return next(iter(pairs.values()), "")
