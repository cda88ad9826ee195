"""Roles of the operator's own: what is refused, how they act on live tokens, and what a test of them says."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ConflictError, InvalidInputError, NotFoundError
from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.access.known_apis import known_apis
from holdfast.node.api import Admission
from holdfast.node.cluster.status_service import StatusService
from holdfast.node.errors import RoleDeniedError
from holdfast.node.roles.role_book import RoleBook
from holdfast.node.roles.role_service import RoleService
from holdfast.node.volume.volume_listing import VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.policy.default_roles import GUEST_DISABLED, GUEST_ENABLED, default_roles
from holdfast.policy.roles import Role, Rule
from holdfast.storage.memory import MemoryStorage

READER = Role("team.reader", (Rule(("volume",), ("*enumerate*", "inspect*")),))
WRITER = Role("team.reader", (Rule(("volume",), ("*",)),))


def roles(under_test, operation, *args, token=None, **kwargs):
    return under_test.call(token or under_test.admin, operation, under_test.node.roles, *args, **kwargs)


def test_a_role_goes_round(under_test):
    assert roles(under_test, RoleService.create, READER) == READER
    assert roles(under_test, RoleService.inspect, "team.reader") == READER
    assert roles(under_test, RoleService.enumerate) == sorted([*default_roles(), "team.reader"])
    assert roles(under_test, RoleService.update, WRITER) == WRITER
    assert roles(under_test, RoleService.inspect, "team.reader") == WRITER
    roles(under_test, RoleService.delete, "team.reader")
    with pytest.raises(NotFoundError):
        roles(under_test, RoleService.inspect, "team.reader")
    roles(under_test, RoleService.delete, "team.reader")  # again, which is no error


def test_the_same_role_may_be_created_again_and_another_of_its_name_may_not(under_test):
    roles(under_test, RoleService.create, READER)
    roles(under_test, RoleService.create, READER)
    with pytest.raises(ConflictError, match="update it instead"):
        roles(under_test, RoleService.create, WRITER)
    assert roles(under_test, RoleService.inspect, "team.reader") == READER


@pytest.mark.parametrize(
    ("operation", "argument", "kind"),
    [
        *((RoleService.create, Role(name, READER.rules), InvalidInputError) for name in default_roles()),
        *((RoleService.create, Role(name, READER.rules), InvalidInputError) for name in (".", "..")),
        *(
            (RoleService.update, Role(name, READER.rules), InvalidInputError)
            for name in default_roles()
            if name != "system.guest"
        ),
        *((RoleService.delete, name, InvalidInputError) for name in default_roles()),
        (RoleService.update, READER, NotFoundError),
        (RoleService.inspect, "", InvalidInputError),
        (RoleService.delete, "", InvalidInputError),
        (RoleService.inspect, "nope", NotFoundError),
        (RoleService.inspect, "volumes/1", NotFoundError),
    ],
)
def test_what_the_role_service_refuses(under_test, operation, argument, kind):
    with pytest.raises(kind):
        roles(under_test, operation, argument)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(Rule(("volumes",), ("*",)), "did you mean volume", id="misspelt-service"),
        pytest.param(Rule(("volume",), ("Inspekt",)), "did you mean inspect", id="misspelt-api"),
        pytest.param(Rule(("*",), ("!delet",)), "did you mean delete", id="denies-nothing"),
    ],
)
def test_a_role_that_names_what_does_not_exist_is_refused_unless_that_is_meant(under_test, rule, text):
    role = Role("team.reader", (rule,))
    with pytest.raises(InvalidInputError, match=text):
        roles(under_test, RoleService.create, role)
    roles(under_test, RoleService.create, role, allow_unknown=True)
    with pytest.raises(InvalidInputError, match=text):
        roles(under_test, RoleService.update, role)
    roles(under_test, RoleService.update, role, allow_unknown=True)


def test_every_api_of_this_node_may_be_named():
    known = known_apis()
    assert all(api.method.lower() in known[api.service.lower()] for api in apis.ALL)
    assert known["cloudbackup"]  # and those that others serve


def listed(under_test, token):
    return under_test.call(token, VolumeListService.enumerate, under_test.node.volume_lists).entries


def test_an_update_acts_on_a_token_in_use(under_test):
    token = under_test.token("carol", roles=("team.reader",))
    roles(under_test, RoleService.create, READER)
    assert listed(under_test, token) == ()
    roles(under_test, RoleService.update, Role("team.reader", (Rule(("volume",), ("!enumerate", "*")),)))
    with pytest.raises(RoleDeniedError):
        listed(under_test, token)
    roles(under_test, RoleService.delete, "team.reader")
    roles(under_test, RoleService.create, READER)
    assert listed(under_test, token) == ()


def test_a_change_by_another_node_acts_at_once():
    storage = MemoryStorage(shared=True)
    one, other = RoleBook(storage, guest_access=False), RoleBook(storage, guest_access=False)
    carol = Principal(name="carol", roles=("team.reader",))
    assert not one.decide(carol, apis.VOLUME_DELETE)
    other.create(WRITER)
    assert one.decide(carol, apis.VOLUME_DELETE)
    other.replace(READER)
    assert not one.decide(carol, apis.VOLUME_DELETE)
    other.remove("team.reader")
    assert "does not exist" in one.decide(carol, apis.VOLUME_ENUMERATE).reason


def test_two_who_create_one_role_at_once_cannot_both_have_their_way():
    book, outcomes = RoleBook(MemoryStorage(), guest_access=False), []
    start = threading.Barrier(8)

    def create(number):
        start.wait(timeout=60)
        role = Role("team", (Rule(("volume",), (f"inspect{number}",)),))
        try:
            book.create(role)
        except ConflictError:
            return
        outcomes.append(role)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert outcomes == [book.find("team")]


@pytest.mark.parametrize("name", ["", "a/b", "../roles/x", "x" * 129, "\ud800", "volumes/1"])
def test_a_token_may_name_what_can_be_no_role(name):
    book = RoleBook(MemoryStorage(), guest_access=False)
    assert not book.decide(Principal(name="carol", roles=(name,)), apis.VOLUME_ENUMERATE)


def guest_may(under_test):
    spec = VolumeSpec(name="guests", size_bytes=16 << 20)
    try:
        under_test.call(None, VolumeService.create, under_test.node.volumes, spec)
    except RoleDeniedError as error:
        assert error.message == "Access denied without authentication token"  # noqa: PT017 - either is an answer
        return False
    return True


def test_guests_are_switched_on_and_off_by_their_role(under_test):
    assert not guest_may(under_test)  # off, as long as nobody has said otherwise
    roles(under_test, RoleService.update, GUEST_ENABLED)
    assert guest_may(under_test)
    roles(under_test, RoleService.update, GUEST_DISABLED)
    assert not guest_may(under_test)
    assert roles(under_test, RoleService.inspect, "system.guest") == GUEST_DISABLED


def test_switching_guests_off_leaves_users_alone(under_test):
    both = under_test.token("alice", roles=("system.guest", "system.user"))
    roles(under_test, RoleService.update, GUEST_DISABLED)
    assert under_test.call(both, StatusService.who_am_i, under_test.node.status).name == "alice"


def verdicts(under_test, **what):
    return roles(under_test, RoleService.test, **what)


def test_a_test_names_the_rule_that_allows_and_what_each_role_says(under_test):
    roles(under_test, RoleService.create, READER)
    found = verdicts(
        under_test,
        names=("team.reader", "system.user", "nope"),
        calls=(("volume", "Inspect"), ("Volume", "delete"), ("role", "create")),
    )
    inspect, delete, create = found.calls
    assert inspect.decision.rule == "role team.reader, rule 1"
    assert delete.decision.rule == "role system.user, rule 1"
    assert not create.decision
    assert "role nope does not exist" in create.decision.reason
    assert [(name, bool(said)) for name, said in delete.by_role] == [
        ("team.reader", False),
        ("system.user", True),
        ("nope", False),
    ]


def test_a_role_file_is_tried_out_without_being_stored(under_test):
    roles(under_test, RoleService.create, READER)
    draft = Role("team.reader", (Rule(("volume", "volums"), ("delete",)),))
    found = verdicts(under_test, role=draft, calls=(("volume", "delete"), ("volume", "inspect")))
    assert [bool(call.decision) for call in found.calls] == [True, False]
    assert found.warnings == ("rule 1, services: pattern 2 matches no service; did you mean volume?",)
    assert roles(under_test, RoleService.inspect, "team.reader") == READER


def test_a_test_without_calls_is_about_every_api(under_test):
    found = verdicts(under_test, names=("system.view",))
    allowed = {f"{call.service}.{call.method}" for call in found.calls if call.decision}
    assert "volume.inspect" in allowed
    assert "volume.create" not in allowed
    assert {(call.service, call.method) for call in found.calls} == {
        (service, method) for service, methods in known_apis().items() for method in methods
    }


def test_a_call_that_no_service_has_is_told_apart(under_test):
    [call] = verdicts(under_test, names=("system.admin",), calls=(("volumes", "create"),)).calls
    assert call.decision  # system.admin may call what is yet to come
    assert not call.is_known


@pytest.mark.parametrize(
    ("what", "field"),
    [
        pytest.param({}, "names", id="no-role"),
        pytest.param({"names": ("x" * 129,)}, "names", id="no-name-of-a-role"),
        pytest.param({"names": tuple(map(str, range(257)))}, "names", id="too-many-roles"),
        pytest.param({"names": ("a",), "calls": (("a", "b"),) * 1001}, "calls", id="too-many-calls"),
    ],
)
def test_a_test_has_bounds(under_test, what, field):
    with pytest.raises(InvalidInputError, match=field):
        verdicts(under_test, **what)


def test_only_who_may_call_it_can_test_roles(under_test):
    with pytest.raises(RoleDeniedError):
        roles(under_test, RoleService.test, token=under_test.token("alice"), names=("system.user",))


def test_changes_of_roles_are_on_record_with_what_was_and_what_is(under_test):
    roles(under_test, RoleService.create, READER)
    roles(under_test, RoleService.update, WRITER)
    line = under_test.sink.lines[-1]
    assert (line["resource"], line["user"], line["reason"]) == ("team.reader", "admin", "role updated")
    assert line["before"]["rules"] == [{"services": ["volume"], "apis": ["*enumerate*", "inspect*"]}]
    assert line["after"]["rules"] == [{"services": ["volume"], "apis": ["*"]}]


PATTERNS = st.sampled_from(["*", "!*", "volume", "!volume", "vol*", "*ume", "inspect*", "!inspect"])
RULES = st.lists(
    st.builds(Rule, *[st.lists(PATTERNS, min_size=1, max_size=3).map(tuple)] * 2), min_size=1, max_size=3
).map(tuple)


@given(first=RULES, second=RULES)
@settings(max_examples=60, deadline=None)
def test_a_test_says_what_the_gate_will(first, second):
    book = RoleBook(MemoryStorage(), guest_access=False)
    service, names = RoleService(gate=None, book=book), ("one", "two", "none")
    for name, rules in (("one", first), ("two", second)):
        book.create(Role(name, rules))
    calls = [(api.service, api.method) for api in apis.ALL]
    admission = Admission(Principal(name="admin"), apis.ROLE_TEST, "request", "peer")
    said = RoleService.test(service, admission, names=names, calls=calls).calls
    carol = Principal(name="carol", roles=names)
    assert [verdict.decision for verdict in said] == [book.decide(carol, api) for api in apis.ALL]
