"""A volume that is to have snapshots taken by themselves is made with that plan, or is not made at all."""

from functools import partial

import pytest
from tests.unit.node.test_snapshot_plans import HOUR, Planned

from holdfast.node.inventory.catalog import SNAPSHOT_PLANS
from holdfast.node.volume.volume_maker import VolumeMaker
from holdfast.volumes.errors import ForeignVolumeError, PoolFullError

PLAN = "periodic=60,5"
BODY = {"name": "vol1", "spec": {"size": str(16 << 20), "snapshot_schedule": PLAN}}


@pytest.fixture
def node(tmp_path):
    made = Planned(tmp_path)
    yield made
    made.close()


def role(node, *apis, method="PUT"):
    rules = [{"services": ["volume"], "apis": list(apis)}]
    request = {"role": {"name": "maker", "rules": rules}}
    node.done(method, "/v1/roles", request, who="root", roles=("system.admin",))


def create(node, *, token=None):
    return node.ask("POST", "/v1/volumes", BODY, token=token or node.token()).status


def plans(node):
    return node.t.storage.list(SNAPSHOT_PLANS)


def making(monkeypatch, first):
    """Have something done before a volume is made, once it is recorded."""
    real = VolumeMaker.make

    def make(self, record):
        first()
        return real(self, record)

    monkeypatch.setattr(VolumeMaker, "make", make)


def test_a_role_that_is_taken_while_it_is_made_leaves_no_volume_without_its_plan(node, monkeypatch):
    role(node, "*", method="POST")
    making(monkeypatch, partial(role, node, "*", "!snapshotscheduleupdate"))
    assert create(node, token=node.token(roles=("maker",))) == 200
    volume = node.catalog.find("vol1")
    assert volume.snapshot_plan == PLAN
    assert plans(node) == [volume.id]
    assert node.state()["planned_by"] == "alice"
    done = [line["reason"] for line in node.t.sink.lines if line["decision"] == "done"]
    assert done[-2:] == ["created vol1", f"snapshots are taken: {PLAN}"]


def test_a_volume_that_cannot_be_made_leaves_no_plan(node, monkeypatch):
    def fail():
        raise PoolFullError("no room")

    making(monkeypatch, fail)
    assert create(node) >= 400
    assert node.catalog.find("vol1") is None
    assert plans(node) == []


def test_one_whose_making_was_cut_short_has_its_plan_once_it_is_made(node, monkeypatch):
    def cut_short():
        raise ForeignVolumeError("something else is there")  # which leaves what is recorded, as a crash does

    with monkeypatch.context() as patched:
        making(patched, cut_short)
        assert create(node) >= 400
    assert node.catalog.find("vol1").snapshot_plan == PLAN
    node.after(HOUR)
    assert node.snapshots() == []
    assert "failure" not in node.state()["schedules"][0]
    assert create(node) == 200
    node.after(HOUR)
    assert len(node.snapshots()) == 1


def test_the_same_request_again_is_refused_before_anything_if_the_plan_is_his_no_more(node, monkeypatch):
    role(node, "*", method="POST")
    made = []
    with monkeypatch.context() as patched:
        making(patched, lambda: made.append(node.catalog.find("vol1")))
        assert create(node, token=node.token(roles=("maker",))) == 200
    role(node, "*", "!snapshotcreate")
    assert create(node, token=node.token(roles=("maker",))) == 403
    assert node.catalog.find("vol1").snapshot_plan == PLAN
    assert len(made) == 1


def test_a_guest_who_would_have_no_right_to_the_volume_makes_none(tmp_path):
    guests = Planned(tmp_path, guest_access=True)
    without = {"name": "vol2", "spec": {"size": str(16 << 20)}}
    assert guests.ask("POST", "/v1/volumes", BODY).status == 403
    assert guests.ask("POST", "/v1/volumes", without).status == 200
    assert guests.catalog.find("vol1") is None
    assert plans(guests) == []
    guests.close()
