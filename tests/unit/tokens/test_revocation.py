"""What a revocation reaches, and what it leaves alone."""

import pytest

from holdfast.errors import InvalidInputError
from holdfast.model import Principal
from holdfast.tokens.revocation import NOTHING_REVOKED, Revocations


def alice(begun_at: float) -> Principal:
    return Principal(name="alice", subject="s-1", issuer="one", token_id="t1", begun_at=int(begun_at))


@pytest.mark.parametrize(
    ("revocations", "issued_at", "covered"),
    [
        pytest.param(NOTHING_REVOKED, 0, False, id="nothing"),
        pytest.param(NOTHING_REVOKED.with_token("one", "t1"), 100, True, id="this-token"),
        pytest.param(NOTHING_REVOKED.with_token("one", "t2"), 100, False, id="another-token"),
        pytest.param(NOTHING_REVOKED.with_token("two", "t1"), 100, False, id="same-id-of-another-issuer"),
        pytest.param(NOTHING_REVOKED.with_subject("one", "alice", issued_until=100), 99, True, id="before"),
        pytest.param(
            NOTHING_REVOKED.with_subject("one", "alice", issued_until=100), 100, True, id="same-second"
        ),
        pytest.param(
            NOTHING_REVOKED.with_subject("one", "alice", issued_until=100), 101, False, id="made-later"
        ),
        pytest.param(
            NOTHING_REVOKED.with_subject("one", "bob", issued_until=100), 99, False, id="another-principal"
        ),
        pytest.param(
            NOTHING_REVOKED.with_subject("two", "alice", issued_until=100),
            99,
            False,
            id="same-name-of-another-issuer",
        ),
        pytest.param(NOTHING_REVOKED.with_subject("one", "s-1", issued_until=100), 99, True, id="by-subject"),
        pytest.param(NOTHING_REVOKED.with_issuer("one", issued_until=100), 100, True, id="issuer"),
        pytest.param(NOTHING_REVOKED.with_issuer("one", issued_until=100), 101, False, id="issuer-later"),
        pytest.param(NOTHING_REVOKED.with_issuer("two", issued_until=100), 100, False, id="another-issuer"),
        pytest.param(NOTHING_REVOKED.with_issuer("one", issued_until=0), 0, True, id="issued-at-zero"),
    ],
)
def test_what_a_revocation_covers(revocations: Revocations, issued_at: float, covered: bool):
    assert revocations.covers(alice(issued_at)) is covered


def test_revocations_add_up():
    revocations = (
        NOTHING_REVOKED.with_token("one", "t1").with_token("one", "t2").with_issuer("two", issued_until=5)
    )

    assert revocations.covers(alice(1))
    assert revocations.covers(Principal(name="bob", issuer="one", token_id="t2", begun_at=1))
    assert revocations.covers(Principal(name="carol", issuer="two", begun_at=1))


def test_an_earlier_cut_off_never_weakens_a_later_one():
    revocations = (
        NOTHING_REVOKED.with_subject("one", "alice", issued_until=100)
        .with_subject("one", "alice", issued_until=50)
        .with_issuer("two", issued_until=100)
        .with_issuer("two", issued_until=50)
    )

    assert revocations.covers(alice(80))
    assert revocations.covers(Principal(name="carol", issuer="two", begun_at=80))


def test_the_empty_token_id_and_subject_cannot_be_revoked():
    with pytest.raises(InvalidInputError, match="token id"):
        NOTHING_REVOKED.with_token("one", "")
    with pytest.raises(InvalidInputError, match="subject"):
        NOTHING_REVOKED.with_subject("one", "", issued_until=1)


def test_a_revocation_changes_a_copy():
    NOTHING_REVOKED.with_token("one", "t1")

    assert not NOTHING_REVOKED.covers(alice(0))
