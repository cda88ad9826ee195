"""One ownership gate for every kind of resource: same rules, one answer for unreadable and absent ones."""

from dataclasses import dataclass, field

import pytest

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.model import Principal
from holdfast.node.access.gate import Gate
from holdfast.node.api import Admission, Api
from holdfast.node.errors import OwnershipDeniedError
from holdfast.policy.ownership import AccessControl, AccessType, Ownership

READ = Api("Policy", "Inspect", AccessType.READ)
UNSTATED = Api("Policy", "Invent")


@dataclass(frozen=True)
class Thing:
    id: str
    ownership: Ownership


@dataclass
class Things:
    """A collection of a kind that the node does not have."""

    kind: str = "storage policy"
    all: dict[str, Thing] = field(default_factory=dict)

    def check_reference(self, reference):
        if not reference.isalnum():
            raise InvalidInputError("name: expected letters and digits")
        return reference

    def find(self, reference):
        return self.all.get(reference)

    def enumerate(self):
        return self.all.values()


@dataclass
class Lines:
    all: list[dict] = field(default_factory=list)

    def record(self, decision, principal, **fields):
        self.all.append({"decision": decision, "user": principal.name, **fields})


@pytest.fixture
def things():
    owned = {
        "alices": Ownership(owner="alice"),
        "shared": Ownership(owner="alice", acls=AccessControl(groups={"dev": AccessType.READ})),
        "open": Ownership(owner="alice", acls=AccessControl(public=AccessType.READ)),
        "nobodys": Ownership(),
    }
    return Things(all={name: Thing(name, ownership) for name, ownership in owned.items()})


def a_gate(*, ownerless_is_public=False):
    lines = Lines()
    gate = Gate(
        verifier=None, roles=None, log=lines, secret_rules=None, ownerless_is_public=ownerless_is_public
    )
    return gate, lines.all


def admission(name, *groups, api=READ):
    return Admission(Principal(name=name, groups=groups), api, "request", "peer")


def test_who_may_gets_the_resource_and_it_is_written_down_with_its_kind(things):
    gate, lines = a_gate()
    assert gate.resource(admission("alice"), things, "alices").id == "alices"
    assert (lines[0]["kind"], lines[0]["resource"], lines[0]["rule"]) == ("storage policy", "alices", "owner")


@pytest.mark.parametrize("reference", ["alices", "nobodys", "absent"])
def test_what_is_not_readable_and_what_is_not_there_get_one_answer(things, reference):
    gate, lines = a_gate()
    with pytest.raises(OwnershipDeniedError) as caught:
        gate.resource(admission("bob"), things, reference)
    assert caught.value.message == f"Access denied to storage policy {reference}"
    assert (lines[0]["decision"], lines[0]["kind"]) == ("denied", "storage policy")
    assert lines[0]["reason"]


def test_only_who_may_see_everything_is_told_that_something_is_not_there(things):
    gate, _ = a_gate()
    with pytest.raises(NotFoundError, match="Storage policy absent not found"):
        gate.resource(admission("admin", "*"), things, "absent")


def test_a_reference_of_another_form_is_refused_before_anything_is_looked_up(things):
    gate, lines = a_gate()
    with pytest.raises(InvalidInputError):
        gate.resource(admission("alice"), things, "../alices")
    assert lines == []


def test_an_api_that_states_no_access_gets_at_nothing_by_less_than_admin(things):
    gate, _ = a_gate()
    with pytest.raises(OwnershipDeniedError):
        gate.resource(admission("bob", "dev", api=UNSTATED), things, "shared")
    assert gate.resource(admission("alice", api=UNSTATED), things, "shared").id == "shared"


def test_a_second_resource_may_need_another_access_than_the_api_states(things):
    gate, _ = a_gate()
    gate.resource(admission("bob", "dev"), things, "shared")
    with pytest.raises(OwnershipDeniedError):
        gate.resource(admission("bob", "dev"), things, "shared", access=AccessType.WRITE)


@pytest.mark.parametrize(
    ("who", "names"),
    [
        pytest.param(admission("alice"), ["alices", "shared", "open"], id="owner"),
        pytest.param(admission("bob", "dev"), ["shared", "open"], id="group"),
        pytest.param(admission("bob"), ["open"], id="stranger"),
        pytest.param(admission(""), ["open"], id="guest"),
        pytest.param(admission("admin", "*"), ["alices", "shared", "open", "nobodys"], id="administrator"),
    ],
)
def test_lists_leave_out_what_is_not_readable(things, who, names):
    gate, _ = a_gate()
    assert [thing.id for thing in gate.visible(who, things)] == names


def test_what_has_no_owner_is_public_only_while_a_migration_says_so_and_each_use_is_written_down(things):
    gate, lines = a_gate(ownerless_is_public=True)
    gate.resource(admission(""), things, "nobodys")
    assert lines[0]["rule"] == "resource without owner, public during migration"
