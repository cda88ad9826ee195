"""Rules of roles that are about some volumes alone: what is out of scope is not there, whatever is asked.

And nobody leads a volume out of a scope or into one by its labels: not by changing them, and not by a copy.
"""

import threading
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.sdk_face import Face
from tests.unit.policy.test_role_scope import specified

from holdfast.errors import InvalidInputError, NotFoundError
from holdfast.model import Principal
from holdfast.node import apis
from holdfast.node.access.gate import Gate
from holdfast.node.access.ownership_note import note_of
from holdfast.node.api import Admission
from holdfast.node.cluster.locks import by_role_alone
from holdfast.node.errors import OwnershipDeniedError, RoleDeniedError, VolumeExistsError
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.inventory.records import VolumeRecord, VolumeState
from holdfast.node.keys.secrets_service import SecretsService
from holdfast.node.keys.volume_key_service import VolumeKeyService
from holdfast.node.policies.policy_service import PolicyService, PolicySpec
from holdfast.node.policies.volume_rules import VolumeRules
from holdfast.node.roles.role_book import RoleBook
from holdfast.node.roles.role_service import RoleService
from holdfast.node.volume.attach_service import AttachService
from holdfast.node.volume.snapshot_service import CloneSpec, SnapshotService
from holdfast.node.volume.volume_listing import VolumeFilter, VolumeListService
from holdfast.node.volume.volume_service import VolumeService, VolumeSpec
from holdfast.node.volume.watch_service import VolumeGone, WatchService
from holdfast.policy.ownership import Ownership
from holdfast.policy.role_scope import Scope
from holdfast.policy.roles import Role, Rule
from holdfast.storage.memory import MemoryStorage

SIZE = 16 << 20
PATIENCE_SECONDS = 60.0
VOLUMES = ("volume", "mountattach", "watch")
BLUE, RED, PROTECTED = Scope({"team": "blue"}), Scope({"team": "red"}), Scope({"protected": "*"})
IN_BLUE = Rule(VOLUMES, ("*",), BLUE)
IN_RED = Rule(VOLUMES, ("*",), RED)
EVERYWHERE = Rule(VOLUMES, ("*",))
NO_DELETION = Rule(("volume",), ("!delete",), PROTECTED)


class Site:
    """A node, two volumes of Alice's, and her token with a role that has these rules."""

    def __init__(self, under_test):
        self.t, self.node = under_test, under_test.node
        owner = under_test.token("alice")
        for name, team in (("blue1", "blue"), ("red1", "red")):
            spec = VolumeSpec(name=name, size_bytes=SIZE, labels={"team": team})
            under_test.call(owner, VolumeService.create, self.node.volumes, spec)

    def role(self, *rules, groups=(), others=()):
        self.t.call(self.t.admin, RoleService.create, self.node.roles, Role("scoped", rules))
        self.token = self.t.token("alice", roles=("scoped", *others), groups=groups)

    def __call__(self, operation, service, *arguments, **named):
        return self.t.call(self.token, operation, getattr(self.node, service), *arguments, **named)

    def create(self, name, **labels):
        return self(VolumeService.create, "volumes", VolumeSpec(name=name, size_bytes=SIZE, labels=labels))

    def label(self, name, **labels):
        return self(VolumeService.update, "volumes", name, labels=labels)

    def clone(self, parent, name, **labels):
        return self(SnapshotService.clone, "snapshots", CloneSpec(name=name, parent=parent, labels=labels))

    def snapshot(self, parent, name, **labels):
        return self(SnapshotService.create, "snapshots", parent, name, labels=labels)

    def restore(self, volume, snapshot):
        return self(SnapshotService.restore, "snapshots", volume, snapshot)

    def snapshot_of_old(self, labels):
        """Have a snapshot of ``blue1``, which holds something else by now, with these labels."""
        call = self.t.call
        owner, taken = self.t.token("alice"), {"labels": labels}
        call(owner, SnapshotService.create, self.node.snapshots, "blue1", "snap", **taken)
        path = self.t.devices.file(Catalog(self.t.storage).find("blue1")).path
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.write(b"newer")

    def content(self, name):
        return self.t.devices.file(Catalog(self.t.storage).find(name)).path.read_bytes()

    def seen(self):
        page = self(VolumeListService.inspect_with_filters, "volume_lists")
        return [status.record.name for status in page.entries]


@pytest.fixture
def site(under_test):
    return Site(under_test)


@pytest.mark.parametrize("groups", [(), ("*",)], ids=["owner", "storage-administrator"])
def test_what_is_out_of_scope_is_not_there(site, groups):
    site.role(IN_BLUE, groups=groups)
    assert site.seen() == ["blue1"]
    assert site(VolumeService.inspect, "volumes", "blue1").record.name == "blue1"
    texts = set()
    for name in ("red1", "absent"):
        with pytest.raises(OwnershipDeniedError) as caught:
            site(VolumeService.inspect, "volumes", name)
        texts.add(caught.value.message.replace(name, "NAME"))
    assert len(texts) == 1
    by_name = site(VolumeListService.enumerate_with_filters, "volume_lists", VolumeFilter(name="red1"))
    assert by_name.entries == ()


def _named(site, identities):
    return [Catalog(site.t.storage).get(identity).name for identity in identities]


def _watched(site):
    """Return the first two volumes of a watch, which are all that there are in the scope."""
    admission = site.node.admit(site.token, WatchService.volumes)
    events = site.node.watch.volumes(admission, labels={}, over=threading.Event(), recheck=lambda: None)
    return [next(events).record.name for _ in range(2)]


# Calls about volumes that name none, with the names that their answers have.
LISTS = {
    apis.VOLUME_ENUMERATE: lambda site: _named(
        site, site(VolumeListService.enumerate, "volume_lists").entries
    ),
    apis.VOLUME_ENUMERATE_WITH_FILTERS: lambda site: _named(
        site, site(VolumeListService.enumerate_with_filters, "volume_lists", VolumeFilter()).entries
    ),
    apis.VOLUME_INSPECT_WITH_FILTERS: Site.seen,
    apis.SNAPSHOT_ENUMERATE_WITH_FILTERS: lambda site: _named(
        site, site(SnapshotService.enumerate_with_filters, "snapshots")
    ),
    apis.WATCH: _watched,
}


@pytest.mark.parametrize("api", LISTS, ids=str)
def test_lists_leave_out_what_is_out_of_scope(site, api):
    for name, team in (("blue1", "blue"), ("red1", "red")):
        taken = {"labels": {"team": team}}
        owner = site.t.token("alice")
        site.t.call(owner, SnapshotService.create, site.node.snapshots, name, f"{name}-snap", **taken)
    site.role(IN_BLUE, groups=("*",))
    listed = set(LISTS[api](site))
    assert listed <= {"blue1", "blue1-snap"}
    assert "blue1-snap" in listed


def test_every_call_that_names_no_volume_is_tried_here():
    assert {api for api in apis.SCOPED if api.access is None} <= LISTS.keys() | {apis.VOLUME_CREATE}


def test_the_doctor_looks_at_no_volume_out_of_scope(site):
    owner = site.t.token("alice")
    site.t.call(site.t.admin, SecretsService.set_cluster_key, site.node.secrets, "cluster-key", generate=True)
    for team in ("blue", "red"):
        spec = VolumeSpec(name=f"{team}2", size_bytes=SIZE, encrypted=True, labels={"team": team})
        site.t.call(owner, VolumeService.create, site.node.volumes, spec)
    site.role(IN_BLUE)
    assert [finding.name for finding in site(VolumeKeyService.examine, "volume_keys")] == ["blue2"]


def test_whoever_may_see_everything_is_told_as_before(site):
    site.role(EVERYWHERE, groups=("*",))
    with pytest.raises(NotFoundError):
        site(VolumeService.inspect, "volumes", "absent")


def test_a_denial_for_some_volumes_takes_nothing_from_the_others(site):
    site.role(EVERYWHERE, NO_DELETION)
    site.create("kept", protected="yes")
    with pytest.raises(OwnershipDeniedError, match="Access denied to volume kept"):
        site(VolumeService.delete, "volumes", "kept")
    refusal = site.t.sink.lines[-1]
    assert (refusal["gate"], refusal["kind"]) == ("role", "volume")
    assert refusal["reason"] == "role scoped, rule 2 denies volume.delete"
    site(VolumeService.delete, "volumes", "red1")
    assert set(site.seen()) == {"blue1", "kept"}


def test_another_role_may_allow_what_this_one_does_not(site):
    site.role(IN_BLUE, others=("system.admin",))
    assert set(site.seen()) == {"blue1", "red1"}
    site.label("red1", team="blue")


def test_what_is_made_has_the_labels_of_a_scope(site):
    site.role(IN_BLUE)
    for labels in ({}, {"team": "red"}, {"Team": "blue"}):
        with pytest.raises(RoleDeniedError, match="labels"):
            site.create("new", **labels)
    site.create("new", team="blue", more="labels")
    assert "new" in site.seen()


def test_labels_of_a_storage_policy_count_when_something_is_made(site):
    site.role(IN_BLUE)
    spec = PolicySpec(name="reds", rules=VolumeRules(labels={"team": "red"}))
    site.t.call(site.t.admin, PolicyService.create, site.node.policies, spec)
    site.t.call(site.t.admin, PolicyService.set_default, site.node.policies, "reds")
    with pytest.raises(RoleDeniedError, match="labels"):
        site.create("new")


def test_a_name_that_is_taken_out_of_scope_is_taken_and_no_more(site):
    site.role(IN_BLUE)
    with pytest.raises(VolumeExistsError, match="owned by another user"):
        site.create("red1", team="blue")


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        pytest.param([IN_BLUE], {"team": "red"}, id="out-of-the-scope"),
        pytest.param([IN_BLUE], {"team": ""}, id="out-of-every-scope"),
        pytest.param([Rule(VOLUMES, ("update",)), IN_RED], {"team": "red"}, id="into-a-scope"),
        pytest.param([EVERYWHERE, NO_DELETION], {"protected": "yes"}, id="into-a-denial"),
        pytest.param(
            [EVERYWHERE, Rule(("volume",), ("!delete",), BLUE)], {"team": "green"}, id="out-of-a-denial"
        ),
        pytest.param([IN_BLUE, Rule(("volume",), ("update",), RED)], {"team": "red"}, id="into-less"),
    ],
)
def test_labels_are_no_way_out_of_a_scope_or_into_one(site, rules, labels):
    site.role(*rules)
    with pytest.raises(RoleDeniedError, match="labels: a scope in the caller's roles"):
        site.label("blue1", **labels)
    assert Catalog(site.t.storage).find("blue1").labels == {"team": "blue"}
    assert site.t.sink.lines[-1]["decision"] == "denied"


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        pytest.param([IN_BLUE], {"note": "x"}, id="in-no-scope-at-all"),
        pytest.param([IN_BLUE, IN_RED], {"team": "red"}, id="between-scopes-that-are-both-his"),
        pytest.param([EVERYWHERE, NO_DELETION], {"team": "red"}, id="beside-a-denial"),
    ],
)
def test_other_labels_are_changed_as_ever(site, rules, labels):
    site.role(*rules)
    assert site.label("blue1", **labels).labels == {"team": "blue", **labels}


def test_labels_that_are_refused_let_the_volume_grow_no_more(site):
    site.role(IN_BLUE)
    with pytest.raises(RoleDeniedError, match="labels"):
        site(VolumeService.update, "volumes", "blue1", labels={"team": "red"}, size_bytes=2 * SIZE)
    assert Catalog(site.t.storage).find("blue1").size_bytes == SIZE


def test_labels_that_somebody_else_changes_meanwhile_count_as_they_are_then(site):
    site.role(Rule(("volume",), ("update",)), IN_BLUE)
    outcome, before = [], len(site.t.sink.lines)

    def act():
        try:
            outcome.append(
                site(VolumeService.update, "volumes", "blue1", labels={"team": "blue"}, size_bytes=2 * SIZE)
            )
        except RoleDeniedError as error:
            outcome.append(error)

    waiting = threading.Thread(target=act, daemon=True)
    with site.node.volumes._locks.turn(Catalog(site.t.storage).find("blue1").id, by_role_alone):
        waiting.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not any(line.get("gate") == "ownership" for line in site.t.sink.lines[before:]):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        site.t.call(site.t.admin, VolumeService.update, site.node.volumes, "blue1", labels={"team": "red"})
    waiting.join(PATIENCE_SECONDS)
    assert isinstance(outcome[0], RoleDeniedError)
    assert Catalog(site.t.storage).find("blue1").labels == {"team": "red"}


def test_an_update_about_something_else_leaves_a_label_without_a_value_where_it_is(site):
    site.role(EVERYWHERE, NO_DELETION)
    site.create("kept", protected="")
    assert site.label("kept", note="x").labels == {"protected": "", "note": "x"}
    with pytest.raises(RoleDeniedError, match="labels"):
        site.label("kept", protected="")  # which would remove it


def test_a_copy_is_open_to_no_more_than_its_original(site):
    site.role(EVERYWHERE, NO_DELETION)
    site.create("kept", protected="yes")
    for copy in (
        lambda: site.clone("kept", "copy", protected=""),
        lambda: site.snapshot("kept", "copy"),
    ):
        with pytest.raises(RoleDeniedError, match="labels"):
            copy()
    assert site.clone("kept", "copy").labels == {"protected": "yes"}
    site.snapshot("kept", "snap", protected="no")
    site.snapshot("red1", "other")
    assert Catalog(site.t.storage).find("other").is_snapshot


def test_a_copy_stays_in_the_scope(site):
    site.role(IN_BLUE)
    with pytest.raises(RoleDeniedError, match="labels"):
        site.snapshot("blue1", "snap")
    with pytest.raises(RoleDeniedError, match="labels"):
        site.clone("blue1", "copy", team="red")
    site.snapshot("blue1", "snap", team="blue")
    site.clone("blue1", "copy")
    assert set(site.seen()) == {"blue1", "snap", "copy"}


def test_both_volumes_of_a_restore_are_in_scope(site):
    site.t.call(site.t.token("alice"), SnapshotService.create, site.node.snapshots, "blue1", "snap")
    site.role(IN_BLUE)
    with pytest.raises(OwnershipDeniedError, match="Access denied to volume snap"):
        site(SnapshotService.restore, "snapshots", "blue1", "snap")


BLUE_IN_USE = (Rule(("volume",), ("*",)), Rule(("mountattach",), ("*",), BLUE))
SECRET_NOT_MOUNTED = (EVERYWHERE, Rule(("mountattach",), ("!*",), Scope({"stage": "secret"})))


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        pytest.param(BLUE_IN_USE, {"team": "red"}, id="from-another-scope"),
        pytest.param(BLUE_IN_USE, {}, id="from-no-scope"),
        pytest.param(SECRET_NOT_MOUNTED, {"stage": "secret"}, id="out-of-a-denial"),
        pytest.param(
            [EVERYWHERE, Rule(("volume",), ("!clone",), PROTECTED)], {"protected": "yes"}, id="copy"
        ),
        pytest.param(
            [EVERYWHERE, Rule(("volume",), ("!accessupdate",), PROTECTED)], {"protected": "yes"}, id="share"
        ),
    ],
)
def test_what_is_brought_back_is_open_no_further_than_in_the_snapshot(site, rules, labels):
    site.snapshot_of_old(labels)
    site.role(*rules)
    before = site.content("blue1")
    with pytest.raises(RoleDeniedError, match="labels: the caller's roles allow more"):
        site.restore("blue1", "snap")
    assert site.content("blue1") == before
    refusal = site.t.sink.lines[-1]
    assert (refusal["decision"], refusal["gate"], refusal["api"]) == (
        "denied",
        "role",
        "volume.snapshotrestore",
    )


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        pytest.param(BLUE_IN_USE, {"team": "blue"}, id="within-the-scope"),
        pytest.param(SECRET_NOT_MOUNTED, {"stage": "old"}, id="beside-a-denial"),
        pytest.param([EVERYWHERE, NO_DELETION], {"protected": "yes"}, id="kept-from-deletion-alone"),
        pytest.param([EVERYWHERE], {"team": "red"}, id="without-scopes"),
        pytest.param([*BLUE_IN_USE, Rule(("mountattach",), ("*",), RED)], {"team": "red"}, id="both-are-his"),
        pytest.param([IN_BLUE, Rule(("mountattach",), ("*",))], {"team": "blue"}, id="into-less"),
    ],
)
def test_what_is_as_open_in_the_snapshot_is_brought_back_as_ever(site, rules, labels):
    site.snapshot_of_old(labels)
    site.role(*rules)
    site.restore("blue1", "snap")
    assert site.content("blue1") == site.content("snap")


def test_labels_that_change_while_a_restore_waits_count_as_they_are_then(site):
    site.snapshot_of_old({"stage": "old"})
    site.role(*SECRET_NOT_MOUNTED)
    outcome, before = [], len(site.t.sink.lines)

    def act():
        try:
            outcome.append(site.restore("blue1", "snap"))
        except RoleDeniedError as error:
            outcome.append(error)

    waiting = threading.Thread(target=act, daemon=True)
    with site.node.volumes._locks.turn(Catalog(site.t.storage).find("blue1").id, by_role_alone):
        waiting.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(line.get("gate") == "ownership" for line in site.t.sink.lines[before:]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        site.t.call(site.t.admin, VolumeService.update, site.node.volumes, "snap", labels={"stage": "secret"})
    waiting.join(PATIENCE_SECONDS)
    assert isinstance(outcome[0], RoleDeniedError)


NO_PLAN = Rule(("volume",), ("!snapshotscheduleupdate",), PROTECTED)
PLAN_IN_BLUE = (
    Rule(("volume",), ("create", "update", "snapshotcreate")),
    Rule(("volume",), ("snapshotscheduleupdate",), BLUE),
)


@pytest.mark.parametrize(
    ("rules", "labels"),
    [((EVERYWHERE, NO_PLAN), {"protected": "yes"}), (PLAN_IN_BLUE, {"team": "red"})],
    ids=["denied-in-a-scope", "allowed-in-another"],
)
def test_a_plan_that_another_api_carries_is_asked_about_by_its_own(site, rules, labels):
    site.role(*rules)
    site.create("kept", **labels)
    ask = Face(site.t)
    spec = {"snapshot_schedule": "periodic=60,1"}
    answer = ask("PUT", "/v1/volumes/kept", {"spec": spec}, token=site.token)
    assert answer.status == 403
    refusal = site.t.sink.lines[-1]
    assert (refusal["decision"], refusal["api"]) == ("denied", "volume.snapshotscheduleupdate")
    new = {"name": "new", "labels": labels, "spec": {"size": str(SIZE), **spec}}
    assert ask("POST", "/v1/volumes", new, token=site.token).status == 403
    found = {name: Catalog(site.t.storage).find(name) for name in ("kept", "new")}
    assert found["kept"].snapshot_plan == ""
    assert found["new"] is None
    assert ask("PUT", "/v1/volumes/blue1", {"spec": spec}, token=site.token).status == 200
    ask.dialect.close()


def default_policy(site, **labels):
    spec = PolicySpec(name="labelled", rules=VolumeRules(labels=labels))
    site.t.call(site.t.admin, PolicyService.create, site.node.policies, spec)
    site.t.call(site.t.admin, PolicyService.set_default, site.node.policies, "labelled")


def test_labels_of_a_storage_policy_that_put_the_plan_out_of_scope_make_no_volume(site):
    site.role(*PLAN_IN_BLUE)
    default_policy(site, team="red")
    ask, planned = Face(site.t), {"snapshot_schedule": "periodic=60,1"}
    new = {"name": "new", "labels": {"team": "blue"}, "spec": {"size": str(SIZE), **planned}}
    answer = ask("POST", "/v1/volumes", new, token=site.token)
    assert answer.status == 403
    assert "SnapshotScheduleUpdate denied: labels: a scope" in answer.json["message"]
    assert Catalog(site.t.storage).find("new") is None
    new["spec"].pop("snapshot_schedule")
    assert ask("POST", "/v1/volumes", new, token=site.token).status == 200
    ask.dialect.close()


def test_labels_of_a_storage_policy_put_the_plan_into_a_scope_as_those_of_the_request_do(site):
    site.role(*PLAN_IN_BLUE)
    default_policy(site, team="blue")
    ask, spec = Face(site.t), {"size": str(SIZE), "snapshot_schedule": "periodic=60,1"}
    assert ask("POST", "/v1/volumes", {"name": "new", "spec": spec}, token=site.token).status == 200
    made = Catalog(site.t.storage).find("new")
    assert (made.labels, made.snapshot_plan) == ({"team": "blue"}, "periodic=60,1")
    ask.dialect.close()


def test_a_request_that_is_refused_for_its_labels_or_its_plan_changes_neither(site):
    ask, labels = Face(site.t), {"team": "red"}
    planned = {"spec": {"snapshot_schedule": "periodic=60,1"}}
    assert ask("PUT", "/v1/volumes/blue1", planned, token=site.t.token("alice")).status == 200
    site.role(IN_BLUE)
    request = {"labels": labels, "spec": {"snapshot_schedule": ""}}
    assert ask("PUT", "/v1/volumes/blue1", request, token=site.token).status == 403
    site.t.call(site.t.admin, RoleService.update, site.node.roles, Role("scoped", (EVERYWHERE, NO_PLAN)))
    site.create("kept", protected="yes")
    request = {"labels": labels, **planned}
    assert ask("PUT", "/v1/volumes/kept", request, token=site.token).status == 403
    blue, kept = (Catalog(site.t.storage).find(name) for name in ("blue1", "kept"))
    assert (blue.labels, blue.snapshot_plan) == ({"team": "blue"}, "periodic=60,1")
    assert (kept.labels, kept.snapshot_plan) == ({"protected": "yes"}, "")
    ask.dialect.close()


def test_a_policy_that_is_named_is_no_volume(site):
    site.role(IN_BLUE)
    mine = PolicySpec(name="mine", rules=VolumeRules())
    site.t.call(
        site.t.token("alice", roles=("system.admin",)), PolicyService.create, site.node.policies, mine
    )
    spec = VolumeSpec(name="new", size_bytes=SIZE, labels={"team": "blue"}, storage_policy="mine")
    assert site(VolumeService.create, "volumes", spec).storage_policy == "mine"


def test_a_change_of_the_role_acts_on_what_goes_on(site):
    site.role(EVERYWHERE)
    admission = site.node.admit(site.token, VolumeListService.inspect_with_filters)
    site.t.call(site.t.admin, RoleService.update, site.node.roles, Role("scoped", (IN_BLUE,)))
    page = site.node.volume_lists.inspect_with_filters(admission)
    assert [status.record.name for status in page.entries] == ["blue1"]


def test_a_watch_sees_what_is_in_scope_and_loses_what_leaves_it(site):
    site.role(IN_BLUE)
    over = threading.Event()
    admission = site.node.admit(site.token, WatchService.volumes)
    events = site.node.watch.volumes(admission, labels={}, over=over, recheck=lambda: None)
    assert next(events).record.name == "blue1"
    site.t.call(site.t.admin, VolumeService.update, site.node.volumes, "blue1", labels={"team": "red"})
    gone = next(events)
    over.set()
    assert isinstance(gone, VolumeGone)
    assert gone.name == "blue1"


def test_who_loses_the_volume_to_another_scope_while_he_waits_gets_nothing(site):
    site.role(IN_BLUE)
    admission = site.node.admit(site.token, AttachService.attach)
    still = site.node.volumes._gate.still(admission, Catalog(site.t.storage))
    record = Catalog(site.t.storage).find("blue1")
    assert still(record) is record
    with pytest.raises(OwnershipDeniedError):
        still(msgspec.structs.replace(record, labels={"team": "red"}))


@pytest.mark.parametrize("services", [("*",), ("volume", "cloudbackup"), ("volume", "!role")])
@pytest.mark.parametrize("operation", [RoleService.create, RoleService.update, RoleService.test])
def test_a_scope_where_there_is_no_volume_is_refused(under_test, services, operation):
    t, role = under_test, Role("scoped", (Rule(services, ("*",), BLUE),))
    t.call(t.admin, RoleService.create, t.node.roles, Role("scoped", (EVERYWHERE,)))
    named = {"role": role} if operation is RoleService.test else {"allow_unknown": True}
    arguments = () if operation is RoleService.test else (role,)
    with pytest.raises(InvalidInputError, match="rule 1, scope: expected none"):
        t.call(t.admin, operation, t.node.roles, *arguments, **named)


def test_a_scoped_rule_opens_nothing_that_is_about_no_volume(under_test):
    """Stored by other means: it is as good as none where it grants, and counts everywhere where it denies."""
    t = under_test
    book = RoleBook(t.storage, guest_access=False)
    book.create(Role("wide", (Rule(("*",), ("*",), BLUE),)))
    book.create(Role("narrow", (Rule(("*",), ("*",)), Rule(("!role",), ("*",), BLUE))))
    for name in ("wide", "narrow"):
        with pytest.raises(RoleDeniedError):
            t.call(t.token("alice", roles=(name,)), RoleService.enumerate, t.node.roles)


def test_a_test_of_roles_is_about_a_volume_or_about_any(site):
    site.role(IN_BLUE, NO_DELETION)
    calls = [("volume", "inspect"), ("volume", "delete"), ("node", "inspect")]

    def verdicts(labels):
        found = site.t.call(
            site.t.admin, RoleService.test, site.node.roles, names=["scoped"], calls=calls, labels=labels
        )
        return [bool(call.decision) for call in found.calls], found.calls[0].decision

    assert verdicts({"team": "blue"})[0] == [True, True, False]
    assert verdicts({"team": "blue", "protected": "x"})[0] == [True, False, False]
    assert verdicts({})[0] == [False, False, False]
    allowed, inspect = verdicts(None)
    assert allowed == [True, True, False]
    assert inspect.rule == "role scoped, rule 1, by scope"


# -- all of it against the specification ---------------------------------------------------------------------

NAMES, VALUES = ("team", "protected"), ("blue", "red")
LABELS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=2)
SCOPES = st.builds(
    Scope,
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*VALUES, "*"]), min_size=1, max_size=2),
)
SERVICE_PATTERNS = ["volume", "mountattach", "*", "*u*", "!mountattach", "!volume"]
API_PATTERNS = [
    "*",
    "*e*",
    "enumerate*",
    "inspect",
    "delete",
    "update",
    "create",
    "!delete",
    "!inspect",
    "!u*",
]
RULES = st.lists(
    st.builds(
        Rule,
        st.lists(st.sampled_from(SERVICE_PATTERNS), min_size=1, max_size=2).map(tuple),
        st.lists(st.sampled_from(API_PATTERNS), min_size=1, max_size=3).map(tuple),
        st.none() | SCOPES | SCOPES,
    ),
    min_size=1,
    max_size=4,
)
OWNERS = st.sampled_from(["alice", "bob"])


class _Lines:
    def record(self, decision, principal, **fields):
        pass


@settings(max_examples=60)
@given(
    st.lists(RULES, min_size=1, max_size=2),
    st.lists(st.tuples(LABELS, OWNERS), min_size=1, max_size=4),
    LABELS,
    st.booleans(),
)
def test_the_gate_does_what_is_specified(roles, volumes, others, is_administrator):
    """Whoever is admitted gets as far as the rules say that are about the volume, and no further."""
    storage = MemoryStorage()
    book, catalog = RoleBook(storage, guest_access=False), Catalog(storage)
    names = [f"role{number}" for number in range(len(roles))]
    for name, rules in zip(names, roles, strict=True):
        book.create(Role(name, tuple(rules)))
    alice = Principal(name="alice", roles=tuple(names), groups=("*",) if is_administrator else ())
    gate = Gate(verifier=None, roles=book, log=_Lines(), secret_rules=None)
    for number, (labels, owner) in enumerate(volumes):
        catalog.insert(_record(number, labels, owner))

    def may(api, labels):
        return any(specified(rules, api.service.lower(), api.method.lower(), labels) for rules in roles)

    def agree(api, expected, call, *arguments, **named):
        if not book.decide(alice, api):
            assert not expected  # whoever may with some volume is admitted
            return
        try:
            call(_admission(alice, api), *arguments, **named)
        except (RoleDeniedError, OwnershipDeniedError):
            assert not expected
        else:
            assert expected

    def relabel(admission, before, after):
        gate.labels.relabelling(admission)(before, after)

    readable = []
    for record in catalog.enumerate():
        labels, is_his = record.labels, is_administrator or record.ownership.owner == "alice"
        for api in (apis.VOLUME_INSPECT, apis.VOLUME_DELETE, apis.ATTACH):
            agree(api, is_his and may(api, labels), gate.resource, catalog, record.id)
        if is_his and may(apis.VOLUME_ENUMERATE, labels):
            readable.append(record.id)
        same = all(may(api, labels) == may(api, others) for api in apis.SCOPED)
        agree(apis.VOLUME_UPDATE, may(apis.VOLUME_UPDATE, labels) and same, relabel, labels, others)
        no_more = all(may(api, labels) >= may(api, others) for api in apis.SCOPED)
        clones = may(apis.VOLUME_CLONE, others) and no_more
        agree(apis.VOLUME_CLONE, clones, gate.labels.require_new, others, copy_of=labels)
        rest = [api for api in apis.SCOPED if api is not apis.VOLUME_DELETE]
        is_admitted = bool(book.decide(alice, apis.SNAPSHOT_RESTORE))
        no_further = is_admitted and all(may(api, labels) >= may(api, others) for api in rest)
        agree(apis.SNAPSHOT_RESTORE, no_further, gate.labels.require_content, others, of=labels)
    agree(apis.VOLUME_CREATE, may(apis.VOLUME_CREATE, others), gate.labels.require_new, others)
    if book.decide(alice, apis.VOLUME_ENUMERATE):
        lists = VolumeListService(gate=gate, catalog=catalog, devices=None)
        assert list(lists.enumerate(_admission(alice, apis.VOLUME_ENUMERATE)).entries) == readable
    else:
        assert not readable


def _admission(principal, api):
    return Admission(principal, api, "request", "peer")


def _record(number, labels, owner):
    return VolumeRecord(
        id=str(100 + number),
        name=f"vol-{number}",
        uuid="",
        size_bytes=1,
        file_system="ext4",
        state=VolumeState.READY,
        created_at=0,
        stored_ownership=note_of(Ownership(owner=owner)),
        labels=labels,
        key=None,
    )
