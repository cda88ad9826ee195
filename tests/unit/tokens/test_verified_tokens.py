"""The memory of verified tokens: bounded, and never longer than a token lives."""

from holdfast.model import Principal
from holdfast.tokens.verified_tokens import VerifiedTokens


def principal(name: str) -> Principal:
    return Principal(name=name, expires_at=100)


def test_a_token_is_found_until_the_second_it_expires():
    memory = VerifiedTokens(10)
    memory.remember(b"digest", principal("alice"), until=100)

    assert memory.find(b"digest", now=99.9) == principal("alice")
    assert memory.find(b"digest", now=100) is None
    assert len(memory) == 0


def test_an_unknown_token_is_not_found():
    assert VerifiedTokens(10).find(b"digest", now=0) is None


def test_a_full_memory_forgets_the_longest_known():
    memory = VerifiedTokens(2)
    for name in ("first", "second", "third"):
        memory.remember(name.encode(), principal(name), until=100)

    assert memory.find(b"first", now=0) is None
    assert memory.find(b"second", now=0) == principal("second")
    assert memory.find(b"third", now=0) == principal("third")


def test_no_flood_of_tokens_grows_it_beyond_its_size():
    memory = VerifiedTokens(100)
    for number in range(10_000):
        memory.remember(number.to_bytes(4), principal("alice"), until=100)

    assert len(memory) == 100


def test_a_memory_of_nothing_remembers_nothing():
    memory = VerifiedTokens(0)
    memory.remember(b"digest", principal("alice"), until=100)

    assert memory.find(b"digest", now=0) is None
