"""Snapshots that are taken by themselves: when they are due, in whose name, by one node; so many are kept."""

from threading import Barrier, Event, Thread

import msgspec
import pytest
from tests.support.node_under_test import new_node
from tests.support.sdk_face import Face

from holdfast.clock import ManualClock
from holdfast.node.cluster.cluster_records import SecurityStatus
from holdfast.node.errors import HeldElsewhereError
from holdfast.node.inventory.catalog import SNAPSHOT_PLANS, Catalog
from holdfast.node.inventory.records import VolumeState
from holdfast.node.schedules.due import schedules_of
from holdfast.node.schedules.schedule_policies import SchedulePolicies
from holdfast.node.schedules.volume_plans import VolumePlans
from holdfast.node.volume.copies import VolumeCopies
from holdfast.node.volume.volume_service import VolumeService
from holdfast.storage.errors import StorageUnavailableError
from holdfast.volumes.errors import PoolFullError, VolumeBusyError
from holdfast.volumes.pool import Pool

HOUR, DAY = 3600, 86_400
MONDAY = 1_893_456_000 - 1_893_456_000 % DAY + 6 * DAY  # 2030-01-07, midnight in UTC
WAIT_SECONDS = 60


class Planned:
    """A node without devices, its REST face, and a volume of Alice's."""

    def __init__(self, tmp_path, **options):
        self.t = new_node(tmp_path, attaching=False, clock=ManualClock(MONDAY + 10 * HOUR), **options)
        self.ask = Face(self.t)
        self.catalog = Catalog(self.t.storage)

    def token(self, name="alice", **fields):
        return self.t.token(name, lifetime=1000 * DAY, **fields)

    def done(self, *request, who="alice", **fields):
        answer = self.ask(*request, token=self.token(who, **fields))
        assert answer.status == 200, answer.json
        return answer.json

    def make(self, plan="", name="vol1", who="alice", **spec):
        spec = {"size": str(16 << 20), **({"snapshot_schedule": plan} if plan else {}), **spec}
        self.done("POST", "/v1/volumes", {"name": name, "spec": spec}, who=who)

    def policy(self, *schedules, name="nightly", who="alice", **fields):
        body = {"schedule_policy": {"name": name, "schedules": schedules, **fields}}
        self.done("POST", "/v1/schedulepolicies", body, who=who)

    def after(self, seconds):
        """Let time go by, and look at what is due then."""
        self.t.clock.advance(seconds)
        self.look()

    def look(self):
        self.t.node.carry_out_plans(Event())

    def snapshots(self, name="vol1"):
        parent = self.catalog.find(name).id
        found = [record for record in self.catalog.copies_of(parent) if record.is_snapshot]
        return sorted(found, key=lambda record: (record.created_at, record.name))

    def state(self, name="vol1", who="alice"):
        return self.done("GET", f"/v1/volumes/snapshot/schedules/{name}", who=who)

    def close(self):
        self.ask.dialect.close()


@pytest.fixture
def node(tmp_path):
    made = Planned(tmp_path)
    yield made
    made.close()


DAILY = {"retain": "2", "daily": {"hour": 23, "minute": 30}}


def test_a_snapshot_is_taken_when_it_is_due_and_once(node):
    node.make("daily=23:30,7")
    node.look()
    node.after(13 * HOUR)
    assert node.snapshots() == []  # 23:00
    node.after(HOUR)
    (snapshot,) = node.snapshots()
    assert snapshot.name.startswith("vol1-daily-20300107-2330-")
    assert (snapshot.ownership.owner, snapshot.taken_by) == ("alice", "daily")
    for _ in range(3):
        node.after(HOUR)
    assert node.snapshots() == [snapshot]
    node.after(DAY)
    assert len(node.snapshots()) == 2
    (state,) = node.state()["schedules"]
    assert (state["name"], state["schedule"]) == ("daily", "daily=23:30,7")
    assert (state["taken_for"], state["next_due"]) == ("2030-01-08T23:30:00Z", "2030-01-09T23:30:00Z")


def test_so_many_are_kept_and_what_a_person_took_stays(node):
    node.make("periodic=60,2")
    body = {"volume_id": "vol1", "name": "by-hand"}
    node.done("POST", "/v1/volumes/snapshots", body)
    before = node.snapshots()
    for _ in range(5):
        node.after(HOUR)
    kept = [record for record in node.snapshots() if record.taken_by]
    assert [record.created_at for record in kept] == [MONDAY + 14 * HOUR, MONDAY + 15 * HOUR]
    assert [record for record in node.snapshots() if not record.taken_by] == before
    done = [line["reason"] for line in node.t.sink.lines if line["decision"] == "done"]
    assert done.count("removed, as schedule periodic keeps newer ones") == 3


def test_a_name_and_labels_like_those_of_a_schedule_do_not_make_a_snapshot_its_own(node):
    node.make("periodic=60,1")
    node.after(HOUR)
    (taken,) = node.snapshots()
    alike = {"volume_id": "vol1", "name": taken.name[:-6] + "aaaaaa", "labels": dict(taken.labels)}
    node.done("POST", "/v1/volumes/snapshots", alike)
    node.done("POST", "/v1/volumes/clone", {"name": "clone1", "parent_id": taken.id})
    node.after(HOUR)
    node.after(HOUR)
    assert len(node.snapshots()) == 2
    assert alike["name"] in {record.name for record in node.snapshots()}
    assert node.catalog.find("clone1").taken_by == ""


def test_after_an_outage_one_snapshot_is_made_up_for(node):
    node.make("daily=23:30,7;periodic=60,5")
    node.after(30 * DAY)
    assert sorted(record.taken_by for record in node.snapshots()) == ["daily", "periodic"]
    node.look()
    assert len(node.snapshots()) == 2


def test_a_plan_counts_from_when_it_was_set(node):
    node.make("daily=09:00,7")  # it is ten o'clock
    node.look()
    assert node.snapshots() == []
    node.after(23 * HOUR)
    assert len(node.snapshots()) == 1


def test_a_clock_that_was_ahead_neither_stops_a_plan_nor_takes_everything_at_once(node, tmp_path):
    node.make("periodic=60,9")
    node.after(1000 * DAY)  # and then it is set right
    assert len(node.snapshots()) == 1
    node.t.clock._now -= 1000 * DAY
    for _ in range(3):
        node.look()
    assert len(node.snapshots()) == 1
    node.after(HOUR)
    node.after(HOUR)
    assert len(node.snapshots()) == 3


def test_policies_give_schedules_to_volumes(node):
    node.policy(DAILY, {"retain": "1", "weekly": {"day": "SdkTimeWeekdayTuesday", "hour": 1}}, who="admin2")
    refused = node.ask(
        "POST",
        "/v1/volumes/snapshot/schedules/vol1",
        {"snapshot_schedule_names": ["nightly"]},
        token=node.token(),
    )
    assert refused.status == 403  # no such volume yet
    node.make("periodic=1440,3")
    names = {"snapshot_schedule_names": ["nightly"]}
    path = "/v1/volumes/snapshot/schedules/vol1"
    refused = node.ask("POST", path, names, token=node.token())
    assert (refused.status, refused.json["message"]) == (403, "Access denied to schedule policy nightly")
    share = {"name": "nightly", "add": {"public": {"type": "Read"}}}
    node.done("PUT", "/v1/schedulepolicies/access/nightly", share, who="admin2")
    node.done("POST", path, names)
    spec = node.done("GET", "/v1/volumes/inspect/vol1")["volume"]["spec"]
    assert spec["snapshot_schedule"] == "periodic=1440,3;policy=nightly"
    node.after(16 * HOUR)  # two o'clock on Tuesday
    assert sorted(record.taken_by for record in node.snapshots()) == [
        "nightly/daily",
        "nightly/weekly",
        "periodic",
    ]
    node.done("POST", path, {})
    assert node.state()["snapshot_schedule"] == "periodic=1440,3"
    assert len(node.snapshots()) == 3  # what was taken stays


def test_a_policy_that_is_changed_counts_from_then_on_and_one_that_is_gone_is_told(node):
    node.policy(DAILY)
    node.make("policy=nightly")
    node.look()
    earlier = {"retain": "3", "daily": {"hour": 9}}
    node.done("PUT", "/v1/schedulepolicies", {"schedule_policy": {"name": "nightly", "schedules": [earlier]}})
    node.look()
    assert node.snapshots() == []
    node.after(DAY)
    assert [record.taken_by for record in node.snapshots()] == ["nightly/daily"]
    node.done("DELETE", "/v1/schedulepolicies/nightly")
    node.after(DAY)
    assert len(node.snapshots()) == 1
    (state,) = node.state()["schedules"]
    assert (state["failure"], "next_due" in state) == ("its schedule policy is gone", False)


def test_another_policy_of_the_same_name_has_no_say(node):
    node.policy({"retain": "3", "daily": {"hour": 9}})
    node.make("policy=nightly")
    for _ in range(3):
        node.after(DAY)
    before = node.snapshots()
    node.done("DELETE", "/v1/schedulepolicies/nightly")
    public = {"ownership": {"acls": {"public": {"type": "Read"}}}}
    node.policy({"retain": "1", "daily": {"hour": 9}}, who="mallory", **public)
    node.after(DAY)
    assert node.snapshots() == before
    assert node.state()["schedules"][0]["failure"] == "its schedule policy is gone"
    node.done("POST", "/v1/volumes/snapshot/schedules/vol1", {"snapshot_schedule_names": ["nightly"]})
    node.after(DAY)
    assert len(node.snapshots()) == 1  # now it was named by who may


def test_a_plan_that_cannot_be_read_keeps_no_other_from_its_turn(node):
    for name in ("vol1", "vol2"):
        node.make("periodic=60,5", name=name)
    plans = VolumePlans(node.t.storage)
    broken = node.catalog.find("vol1").id
    plans.update(broken, lambda plan: msgspec.structs.replace(plan, text="hourly=1"))
    node.after(HOUR)
    assert [len(node.snapshots(name)) for name in ("vol1", "vol2")] == [0, 1]
    assert node.state()["stopped"] == "what the node keeps of the plan cannot be read"
    node.done("PUT", "/v1/volumes/vol1", {"spec": {"snapshot_schedule": "periodic=60,4"}})
    node.after(HOUR)
    assert len(node.snapshots()) == 1  # what is set anew is read anew


@pytest.mark.parametrize("stored", [b"", b"canary", b"\x93\xa4none\x01\x02"], ids=["empty", "text", "other"])
def test_a_plan_that_cannot_be_decoded_is_told_once_and_those_behind_it_go_on(node, caplog, stored):
    for name in ("vol1", "vol2", "vol3"):
        node.make("periodic=60,5", name=name)
    ids = sorted(node.catalog.find(name).id for name in ("vol1", "vol2", "vol3"))
    broken = node.catalog.get(ids[0]).name  # the first that is looked at
    node.t.storage.write(lambda transaction: transaction.put(SNAPSHOT_PLANS + ids[0], stored))
    for _ in range(2):
        node.after(HOUR)
    taken = {name: len(node.snapshots(name)) for name in ("vol1", "vol2", "vol3")}
    assert taken == {name: 0 if name == broken else 2 for name in taken}
    told = [record.getMessage() for record in caplog.records if ids[0] in record.getMessage()]
    assert len(told) == 1
    assert "set again" in told[0]
    assert "canary" not in told[0]
    state = node.state(broken)
    assert state["snapshot_schedule"] == "periodic=60,5"
    assert state["stopped"] == "what the node keeps of the plan cannot be read"
    node.done("PUT", f"/v1/volumes/{broken}", {"spec": {"snapshot_schedule": "periodic=60,4"}})
    assert "stopped" not in node.state(broken)
    node.after(HOUR)
    assert len(node.snapshots(broken)) == 1


def test_a_volume_that_cannot_be_read_keeps_no_plan_of_another_from_its_turn(node):
    for name in ("vol1", "vol2"):
        node.make("periodic=60,5", name=name)
    first, second = sorted(node.catalog.find(name).id for name in ("vol1", "vol2"))
    sound = node.catalog.get(second).name
    node.t.storage.write(lambda transaction: transaction.put(f"volumes/{first}", b"canary"))
    node.after(HOUR)
    assert len(node.snapshots(sound)) == 1


def test_storage_that_was_away_for_a_moment_ends_no_plan(node, monkeypatch):
    node.policy({"retain": "2", "periodic": {"seconds": "3600"}})
    node.make("policy=nightly")
    node.t.clock.advance(HOUR)
    with monkeypatch.context() as away:

        def find(self, reference):
            raise StorageUnavailableError("storage is away")

        away.setattr(SchedulePolicies, "find", find)
        with pytest.raises(StorageUnavailableError):
            node.look()
    node.look()
    assert len(node.snapshots()) == 1


def take_access(node):
    node.done("PUT", "/v1/volumes/access/vol1", {"remove_collaborators": ["bob"]})


def give_away(node):
    change = {"owner": "carol", "replace": {}}
    node.done("PUT", "/v1/volumes/access/vol1", change, who="root", roles=("system.admin",), groups=("*",))


def take_role(node):
    role = {"name": "keeper", "rules": [{"services": ["identity"], "apis": ["*"]}]}
    node.done("PUT", "/v1/roles", {"role": role}, who="root", roles=("system.admin",))


def revoke(node):
    body = {"issuer": "test", "subject": "bob"}
    root = {"who": "root", "roles": ("system.admin",), "groups": ("*",)}
    node.done("POST", "/v1/tokens/revoke", body, **root)


@pytest.mark.parametrize("happening", [take_access, give_away, take_role, revoke])
def test_who_may_not_any_more_has_nothing_done_for_him(node, happening):
    rules = [{"services": ["volume", "schedulepolicy"], "apis": ["*"]}]
    role = {"role": {"name": "keeper", "rules": rules}}
    node.done("POST", "/v1/roles", role, who="root", roles=("system.admin",))
    node.make(ownership={"acls": {"collaborators": {"bob": "Write"}}})
    change = {"spec": {"snapshot_schedule": "periodic=60,5"}}
    two = {"spec": {"snapshot_schedule": "periodic=60,5;daily=12:00,5"}}
    node.done("PUT", "/v1/volumes/vol1", two, who="bob", roles=("keeper",))
    node.after(HOUR)
    assert len(node.snapshots()) == 1
    assert node.state()["planned_by"] == "bob"
    happening(node)
    node.after(HOUR)
    node.after(DAY)
    assert len(node.snapshots()) == 1
    told = [line for line in node.t.sink.lines if line["decision"] == "denied"]
    told += [line for line in node.t.sink.lines if str(line.get("reason")).startswith("plan ended")]
    assert [(line["user"], line["peer"]) for line in told] == [("bob", "schedule")]  # once
    state = node.done(
        "GET", "/v1/volumes/snapshot/schedules/vol1", who="root", roles=("system.admin",), groups=("*",)
    )
    assert "denied" in state["stopped"].lower()
    if happening is not give_away:  # whoever may sets it again
        node.done("PUT", "/v1/volumes/vol1", change)
        node.after(HOUR)
        assert len(node.snapshots()) == 2


def test_a_revocation_that_is_forgotten_before_anything_is_due_ends_a_plan_all_the_same(node):
    node.make(ownership={"acls": {"collaborators": {"bob": "Write"}}})
    monthly = {"spec": {"snapshot_schedule": "monthly=28@12:00,3"}}
    node.done("PUT", "/v1/volumes/vol1", monthly, who="bob")
    revoke(node)
    node.look()
    assert "revoked" in node.state()["stopped"]
    node.t.clock.advance(4000 * DAY)
    other = {"issuer": "test", "subject": "carol"}  # with which those that have ended are forgotten
    root = {"who": "root", "roles": ("system.admin",), "groups": ("*",)}
    node.done("POST", "/v1/tokens/revoke", other, **root)
    listed = node.done("GET", "/v1/tokens/revocations", **root)["revocations"]
    assert [record["subject"] for record in listed] == ["carol"]
    node.look()
    assert node.snapshots() == []


def test_who_may_not_remove_a_snapshot_has_none_removed_that_others_had_taken(node):
    node.make("periodic=60,5", ownership={"acls": {"collaborators": {"bob": "Write"}}})
    for _ in range(3):
        node.after(HOUR)
    alices = node.snapshots()
    node.done("PUT", "/v1/volumes/vol1", {"spec": {"snapshot_schedule": "periodic=60,5"}}, who="bob")
    node.after(HOUR)
    node.done("PUT", "/v1/volumes/vol1", {"spec": {"snapshot_schedule": "periodic=60,1"}}, who="bob")
    for _ in range(3):
        node.after(HOUR)
    assert node.snapshots()[:-1] == alices  # of Bob's own, one is kept
    node.done("PUT", "/v1/volumes/vol1", {"spec": {"snapshot_schedule": "periodic=60,2"}})
    node.after(HOUR)
    assert len(node.snapshots()) == 2


def test_where_no_token_is_looked_at_no_name_counts_of_who_planned_either(node, tmp_path):
    rules = [{"services": ["volume"], "apis": ["*"]}]
    root = {"who": "root", "roles": ("system.admin",), "groups": ("*",)}
    node.done("POST", "/v1/roles", {"role": {"name": "keeper", "rules": rules}}, **root)
    spec = {"size": str(16 << 20), "snapshot_schedule": "periodic=60,2"}
    node.done("POST", "/v1/volumes", {"name": "vol1", "spec": spec}, roles=("keeper",))
    node.done("DELETE", "/v1/roles/keeper", **root)
    node.t.stop()
    unsecured = Planned(tmp_path, storage=node.t.storage, security=SecurityStatus.UNSECURED)
    unsecured.after(HOUR)
    assert len(unsecured.snapshots()) == 1
    assert unsecured.state()["planned_by"] == "alice"
    unsecured.close()


def test_a_snapshot_that_was_given_away_is_left_to_whom_it_belongs(node):
    node.make("periodic=60,1")
    node.after(HOUR)
    (given,) = node.snapshots()
    change, root = {"owner": "carol"}, {"who": "root", "roles": ("system.admin",), "groups": ("*",)}
    node.done("PUT", f"/v1/volumes/access/{given.id}", change, **root)
    node.after(HOUR)
    node.after(HOUR)
    assert node.snapshots()[0].id == given.id
    assert len(node.snapshots()) == 2


def test_a_reader_sees_the_plan_and_does_not_set_it(node):
    node.make("periodic=60,5", ownership={"acls": {"collaborators": {"bob": "Read"}}})
    assert node.state(who="bob")["snapshot_schedule"] == "periodic=60,5"
    bob = node.token("bob")
    for request in (
        ("POST", "/v1/volumes/snapshot/schedules/vol1", {}),
        ("PUT", "/v1/volumes/vol1", {"spec": {"snapshot_schedule": ""}}),
    ):
        assert node.ask(*request, token=bob).status == 403
    assert node.ask("GET", "/v1/volumes/snapshot/schedules/vol1", token=node.token("eve")).status == 403
    assert node.state()["snapshot_schedule"] == "periodic=60,5"


def test_who_may_take_no_snapshots_has_none_taken(node):
    role = {"name": "maker", "rules": [{"services": ["volume"], "apis": ["*", "!snapshotcreate"]}]}
    node.done("POST", "/v1/roles", {"role": role}, who="root", roles=("system.admin",))
    body = {"name": "vol1", "spec": {"size": str(16 << 20), "snapshot_schedule": "periodic=60,5"}}
    answer = node.ask("POST", "/v1/volumes", body, token=node.token(roles=("maker",)))
    assert answer.status == 403
    assert node.catalog.find("vol1") is None


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("daily=25:00", 400, id="no-time"),
        pytest.param("policy=none", 403, id="no-such-policy"),
        pytest.param("- freq: daily", 400, id="another-language"),
    ],
)
def test_a_plan_that_cannot_be_makes_no_volume(node, text, status):
    body = {"name": "vol1", "spec": {"size": str(16 << 20), "snapshot_schedule": text}}
    assert node.ask("POST", "/v1/volumes", body, token=node.token()).status == status
    assert node.catalog.find("vol1") is None


def test_no_snapshots_are_taken_of_snapshots(node):
    node.make("periodic=60,5")
    node.after(HOUR)
    (snapshot,) = node.snapshots()
    change = {"spec": {"snapshot_schedule": "periodic=60,5"}}
    assert node.ask("PUT", f"/v1/volumes/{snapshot.id}", change, token=node.token()).status == 409
    assert snapshot.snapshot_plan == ""


def test_a_plan_goes_with_its_volume(node):
    node.make("periodic=60,5")
    identity = node.catalog.find("vol1").id
    node.done("DELETE", "/v1/volumes/vol1")
    assert node.t.storage.get(SNAPSHOT_PLANS + identity) is None
    node.after(HOUR)
    assert list(node.catalog.enumerate()) == []


def test_what_goes_wrong_is_told_and_tried_again_after_a_while(node, monkeypatch):
    node.make("daily=23:30,1")
    node.after(14 * HOUR)
    (before,) = node.snapshots()
    attempts = []

    def full(*_args, **_kwargs):
        attempts.append(node.t.clock.now())
        raise PoolFullError("the pool has no room")

    with monkeypatch.context() as patched:
        patched.setattr(VolumeCopies, "make", full)
        node.after(DAY)
        for _ in range(10):
            node.after(10)
        assert len(attempts) == 2  # at once, and a minute later
        (state,) = node.state()["schedules"]
        assert (state["failure"], "failed_at" in state) == ("the pool has no room", True)
        assert node.snapshots() == [before]  # nothing was given up for what could not be had
        assert any("daily not taken: PoolFullError" in str(line.get("reason")) for line in node.t.sink.lines)
    node.after(HOUR)
    assert [record.created_at > before.created_at for record in node.snapshots()] == [True]
    (state,) = node.state()["schedules"]
    assert "failure" not in state


def test_what_another_node_has_is_asked_for_every_minute(node, monkeypatch):
    node.make("daily=23:30,1")
    attempts = []

    def held(*_args, **_kwargs):
        attempts.append(node.t.clock.now())
        raise HeldElsewhereError("node2 has it")

    with monkeypatch.context() as patched:
        patched.setattr(VolumeCopies, "make", held)
        node.after(14 * HOUR)
        for _ in range(9):
            node.after(61)
        assert len(attempts) == 10
    node.after(61)
    assert len(node.snapshots()) == 1


def test_what_became_of_schedules_is_forgotten_with_them(node):
    for number in range(3):
        node.policy(DAILY, name=f"nightly{number}")
        node.done("POST", "/v1/volumes/snapshot/schedules/vol1", {}) if number else node.make("periodic=60,5")
        names = {"snapshot_schedule_names": [f"nightly{number}"]}
        node.done("POST", "/v1/volumes/snapshot/schedules/vol1", names)
        node.after(DAY)
    node.look()
    plan = VolumePlans(node.t.storage).find(node.catalog.find("vol1").id)
    assert sorted(plan.entries) == ["nightly2/daily", "periodic"]


def test_one_that_is_in_use_is_removed_later(node, monkeypatch):
    node.make("periodic=60,1")
    node.after(HOUR)
    (first,) = node.snapshots()
    maker = node.t.node.volumes._maker.__class__
    remove = maker.remove

    def busy(self, record, **named):
        if record.id == first.id:
            raise VolumeBusyError("the volume is attached; detach it first")
        return remove(self, record, **named)

    with monkeypatch.context() as patched:
        patched.setattr(maker, "remove", busy)
        node.after(HOUR)
    assert first in node.snapshots()
    assert "should be removed by now" in node.state()["schedules"][0]["failure"]
    node.after(HOUR)
    assert len(node.snapshots()) == 1


def test_a_node_that_died_between_snapshot_and_note_takes_no_second_one(node, monkeypatch):
    node.make("periodic=60,5")

    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(VolumePlans, "update", die)
        with pytest.raises(KeyboardInterrupt):
            node.after(HOUR)
    assert len(node.snapshots()) == 1
    node.look()
    assert len(node.snapshots()) == 1
    assert node.state()["schedules"][0]["taken_for"] == "2030-01-07T11:00:00Z"


def test_two_nodes_that_look_at_once_take_one(node, tmp_path):
    node.make("periodic=60,5")
    identity = node.catalog.find("vol1").id
    plan = VolumePlans(node.t.storage).find(identity)
    node.after(HOUR)
    stale = msgspec.structs.replace(plan, entries={})  # as the other node has read it before
    runner = node.t.node._plan_runner
    schedules = list(schedules_of(stale, lambda name: None))
    runner._look_at(stale, node.catalog.find("vol1"), schedules, Event())
    assert len(node.snapshots()) == 1


def test_two_that_look_at_the_same_moment_take_one(node):
    node.make("periodic=60,5")
    node.t.clock.advance(HOUR)
    together, ended = Barrier(2), []

    def look():
        together.wait(WAIT_SECONDS)
        node.look()
        ended.append(True)

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert len(ended) == 2
    assert len(node.snapshots()) == 1


class DiedError(BaseException):
    """In the place of a death: nothing is tidied up by who catches errors."""


def die(*_args, **_kwargs):
    raise DiedError


def test_a_removal_that_a_death_cut_short_is_finished_by_the_next_look(node, monkeypatch):
    node.make("periodic=60,1")
    node.after(HOUR)
    (old,) = node.snapshots()
    with monkeypatch.context() as patched:
        patched.setattr(Pool, "delete", die)
        with pytest.raises(DiedError):
            node.after(HOUR)
    assert [record.state for record in node.snapshots()] == [VolumeState.REMOVING, VolumeState.FORMATTED]
    node.look()
    (kept,) = node.snapshots()
    assert kept.created_at == old.created_at + HOUR
    (state,) = node.state()["schedules"]
    assert (state["taken_for"], "failure" in state) == ("2030-01-07T12:00:00Z", False)


def test_one_that_a_person_removes_meanwhile_is_not_taken_again(node, monkeypatch):
    node.make("periodic=60,3")
    with monkeypatch.context() as patched:
        patched.setattr(VolumePlans, "update", die)
        with pytest.raises(DiedError):
            node.after(HOUR)  # it is taken, and that is not noted any more
    (taken,) = node.snapshots()
    with monkeypatch.context() as patched:
        patched.setattr(Pool, "delete", die)
        with pytest.raises(DiedError):
            node.t.call(node.token(), VolumeService.delete, node.t.node.volumes, taken.id)
    node.look()
    assert node.snapshots() == []
    (state,) = node.state()["schedules"]
    assert (state["taken_for"], "failure" in state) == ("2030-01-07T11:00:00Z", False)


def test_what_another_node_removed_meanwhile_is_no_failure(node, monkeypatch):
    node.make("periodic=60,1")
    node.after(HOUR)
    real = VolumeService.remove_taken

    def twice(self, *args):
        real(self, *args)
        real(self, *args)

    monkeypatch.setattr(VolumeService, "remove_taken", twice)
    node.after(HOUR)
    assert len(node.snapshots()) == 1
    assert "failure" not in node.state()["schedules"][0]


def test_what_one_node_could_not_remove_is_no_failure_once_another_has(node, monkeypatch):
    node.make("periodic=60,1")
    node.after(HOUR)

    def fail(*_args):
        monkeypatch.undo()
        node.look()  # the other node
        assert "failure" not in node.state()["schedules"][0]
        raise HeldElsewhereError("another node is at it")

    monkeypatch.setattr(VolumeService, "remove_taken", fail)
    node.after(HOUR)
    assert len(node.snapshots()) == 1
    assert "failure" not in node.state()["schedules"][0]


def test_what_was_taken_by_a_wrong_clock_takes_no_place_of_another(node):
    node.make("periodic=60,2")
    node.after(1000 * DAY)  # and then it is set right
    (ahead,) = node.snapshots()
    node.t.clock._now -= 1000 * DAY
    node.look()
    for _ in range(3):
        node.after(HOUR)
    kept = [record.created_at for record in node.snapshots()]
    assert kept == [MONDAY + 12 * HOUR, MONDAY + 13 * HOUR, ahead.created_at]
    node.after(1000 * DAY)
    kept = [record.created_at for record in node.snapshots()]
    assert kept == [ahead.created_at, int(node.t.clock.now())]


def test_one_volume_keeps_no_other_from_its_turn(node, monkeypatch):
    for name in ("vol1", "vol2", "vol3"):
        node.make("periodic=60,5", name=name)
    broken = node.catalog.find("vol2").id
    real = VolumeCopies.make

    def make(self, parent, record, **named):
        if parent.id == broken:
            raise ValueError("canary")
        return real(self, parent, record, **named)

    monkeypatch.setattr(VolumeCopies, "make", make)
    node.after(HOUR)
    assert [len(node.snapshots(name)) for name in ("vol1", "vol2", "vol3")] == [1, 0, 1]
    failure = node.state("vol2")["schedules"][0]["failure"]
    assert failure == "internal error; see the node's log"


def test_nothing_more_is_begun_when_the_node_stops(node):
    node.make("periodic=60,5")
    node.t.clock.advance(HOUR)
    over = Event()
    over.set()
    node.t.node.carry_out_plans(over)
    assert node.snapshots() == []


def test_policies_are_shown_as_they_were_set(node):
    schedules = [
        {"retain": "7", "daily": {}},
        {"retain": "5", "weekly": {"day": "SdkTimeWeekdaySaturday", "hour": 1, "minute": 2}},
        {"retain": "12", "monthly": {"day": 28, "hour": 23, "minute": 59}},
        {"retain": "3", "periodic": {"seconds": "3600"}},
    ]
    node.policy(*schedules)
    policy = node.done("GET", "/v1/schedulepolicies/inspect/nightly")["policy"]
    assert policy == {"name": "nightly", "schedules": schedules, "ownership": {"owner": "alice"}}
    assert node.done("GET", "/v1/schedulepolicies")["policies"] == [policy]
    assert node.done("GET", "/v1/schedulepolicies", who="bob") == {}


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        pytest.param({}, "Must supply Schedule name", id="nothing"),
        pytest.param({"name": "a"}, "Must supply Schedule", id="no-schedule"),
        pytest.param({"name": "a b", "schedules": [DAILY]}, "name: expected", id="bad-name"),
        pytest.param({"name": "a", "schedules": [{"retain": "1"}]}, "daily, weekly", id="no-times"),
        pytest.param({"name": "a", "schedules": [{"daily": {}}]}, "retain: expected", id="none-kept"),
        pytest.param(
            {"name": "a", "schedules": [{"retain": "1", "periodic": {"seconds": "90"}}]},
            "whole minutes",
            id="seconds",
        ),
        pytest.param(
            {"name": "a", "schedules": [{"retain": "1", "monthly": {"day": 31}}]}, "monthly:", id="day-31"
        ),
        pytest.param(
            {"name": "a", "schedules": [{"retain": "1", "daily": {"hour": -1}}]}, "daily:", id="negative"
        ),
        pytest.param({"name": "a", "schedules": [DAILY] * 17}, "at most 16", id="too-many"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_field(node, policy, text):
    for verb in ("POST", "PUT"):
        if verb == "PUT":
            node.policy(DAILY, name="a")
        answer = node.ask(verb, "/v1/schedulepolicies", {"schedule_policy": policy}, token=node.token())
        if verb == "PUT" and policy.get("name") != "a":
            assert answer.status in {400, 403}
        else:
            assert (answer.status, text in answer.json["message"]) == (400, True)


def test_two_schedules_of_one_kind_keep_their_own(node):
    node.policy({"retain": "1", "daily": {"hour": 11}}, {"retain": "1", "daily": {"hour": 12}})
    node.make("policy=nightly")
    node.after(HOUR)
    node.after(HOUR)
    assert [record.taken_by for record in node.snapshots()] == ["nightly/daily", "nightly/daily-2"]
    node.after(DAY)
    assert len(node.snapshots()) == 2
