"""What the benchmark verifies is believed by all who are compared; each does it as often as the others."""

from bench.figure import in_turn
from bench.sdk_tokens import ISSUER, _cases

from holdfast.clock import SystemClock
from holdfast.tokens.issuer import Issuer, IssuerRegistry
from holdfast.tokens.verify import Verifier


def test_a_token_is_believed_by_all_that_stand_beside_each_other():
    for case in _cases():
        verifier = Verifier(IssuerRegistry([Issuer(name=ISSUER, keys=(case.key,))]), clock=SystemClock())
        assert verifier.verify(case.token).name == "alice"
        assert case.pyjwt()["sub"] == "alice"
        assert case.signature() is not False


def test_steps_take_turns_and_each_second_round_begins_at_the_other_end():
    done = []
    taken = in_turn({name: lambda name=name: done.append(name) for name in "ab"}, rounds=2, times=2)
    assert "".join(done) == "aabb" + "bbaa"
    assert {name: len(found) for name, found in taken.items()} == {"a": 2, "b": 2}
