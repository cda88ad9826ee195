"""The words of `holdfast node`: what is said empty was meant to say something; no default stands for it."""

import pytest

from holdfast.cli.arguments import CommandParser
from holdfast.cli.errors import UsageError
from holdfast.cli.holdfast.node import _LISTS, _VALUES, node


def parsed(*words):
    parser = CommandParser(command="holdfast node", summary="")
    node(parser)
    return parser.parse_words(words)


@pytest.mark.parametrize(
    "option",
    [name for names, *_ in (*_VALUES, *_LISTS) for name in names if name not in {"--scheduler", "-x"}],
)
def test_an_empty_value_is_refused_by_the_name_of_its_option(option):
    for words in ((option, ""), (f"{option}=",)):
        with pytest.raises(UsageError, match=r"--[a-z_-]+: expected a value that is not empty"):
            parsed(*words)


def test_arguments_as_px_runc_gives_them_still_count():
    words = (
        "-c",
        "px",
        "-s",
        "/dev/sdb",
        "-x",
        "",
        "-jwt_issuer",
        "openstorage.io",
        "-username_claim",
        "email",
    )
    said = parsed(*words, "-oidc_issuer", "https://accounts.example", "-jwt_rsa_pubkey_file", "/etc/a.pem")
    assert (said.jwt_issuer, said.username_claim, said.schedulers) == ("openstorage.io", "email", [""])
    assert (said.oidc_issuer, said.jwt_rsa_pubkey_file) == ("https://accounts.example", ["/etc/a.pem"])
