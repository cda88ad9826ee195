"""The first back end that works is taken, and the reasons against the others are told."""

# ruff: noqa: E501 (tables are read by row)

import pytest

from holdfast.errors import InvalidInputError, UnsupportedError
from holdfast.volumes.backend import Capabilities, select
from holdfast.volumes.dm_crypt import DmCryptBackend
from holdfast.volumes.luks_fuse import LuksFuseBackend
from holdfast.volumes.user_copy import UserCopyBackend


class Candidate:
    def __init__(self, name, why_not=""):
        self.name, self.why_not = name, why_not

    def probe(self):
        return Capabilities(usable=not self.why_not, why_not=self.why_not)


FIRST, SECOND, THIRD = Candidate("first", "no driver"), Candidate("second"), Candidate("third")


@pytest.mark.parametrize(
    ("requested", "chosen", "passed_over"),
    [
        pytest.param("auto", "second", (("first", "no driver"),), id="auto-takes-the-first-that-works"),
        pytest.param("third", "third", (), id="a-name-is-taken-literally"),
    ],
)
def test_choice(requested, chosen, passed_over):
    selection = select([FIRST, SECOND, THIRD], requested)
    assert (selection.backend.name, selection.passed_over) == (chosen, passed_over)
    assert selection.capabilities.usable


@pytest.mark.parametrize(
    ("backends", "requested", "kind", "words"),
    [
        pytest.param([FIRST, SECOND], "first", UnsupportedError, "no driver", id="requested-one-does-not-work"),
        pytest.param([FIRST, Candidate("x", "no root")], "auto", UnsupportedError, "first: no driver; x: no root", id="none-works"),
        pytest.param([FIRST], "other", InvalidInputError, "auto, first", id="unknown-name"),
        pytest.param([], "auto", InvalidInputError, "auto", id="no-candidates"),
    ],
)  # fmt: skip
def test_refusal_tells_why(backends, requested, kind, words):
    with pytest.raises(kind, match=words):
        select(backends, requested)


def test_real_candidates_on_this_host(tmp_path):
    selection = select([DmCryptBackend(), LuksFuseBackend(tmp_path), UserCopyBackend()])
    assert selection.capabilities.usable
    assert all(why for _, why in selection.passed_over)
