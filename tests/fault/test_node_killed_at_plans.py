"""The real node, killed (SIGKILL) at any step of what it does unasked for a plan of snapshots.

Nothing is lost, nothing left behind: afterwards there is one snapshot for the day, each that is to be kept is
there, and the one that is not is gone. Every few steps here, as in ``test_node_killed``.
"""

from datetime import UTC, datetime

import msgspec
import pytest
from tests.support.store_talk import eventually
from tests.support.striking_node import Starter
from tests.support.struck_site import LETTER, Site, sweep

from holdfast.clock import SystemClock
from holdfast.node.inventory.catalog import Catalog
from holdfast.node.schedules.volume_plans import Entry, VolumePlan, VolumePlans
from holdfast.noded.state import StateSettings, open_state

DAY, KEPT = 86_400, 2
THREAD = "plans"
WAIT_SECONDS = 180.0  # what goes wrong is tried again after a minute


@pytest.fixture(scope="module")
def starter():
    running = Starter()
    yield running
    running.close()


@pytest.fixture
def planned(starter, tmp_path):
    made = Planned(starter, tmp_path)
    with made.site.node:
        made.set_up()
        yield made


class Planned:
    """A node with a volume in use, of which it takes a snapshot a day and keeps two. Days go by at will."""

    def __init__(self, starter: Starter, directory) -> None:
        self.site = Site(starter, directory)
        self.volume_id = ""
        self.before: list[str] = []

    def set_up(self):
        """Have as many snapshots taken as are kept."""
        hour = (datetime.now(UTC).hour + 12) % 24  # not while this test runs
        self.volume_id = self.site.create(snapshot_schedule=f"daily={hour}:00,{KEPT}")
        self.site.attach_and_mount()
        self.site.write_letter()
        for _ in range(KEPT):
            self.let_a_day_pass()
            self.site.node.start()
            self.await_done()

    def let_a_day_pass(self):
        """Put back by a day, while the node is down, when everything was done."""
        if self.site.node.process.poll() is None:
            self.site.node.kill()
        records = self.site.node.storage / "records"
        storage = open_state(StateSettings(), records, cluster_id="test-cluster", clock=SystemClock())
        try:
            VolumePlans(storage).update(self.volume_id, _a_day_ago)
            catalog = Catalog(storage)
            for record in catalog.copies_of(self.volume_id):
                catalog.update(
                    record.id, lambda now: msgspec.structs.replace(now, created_at=now.created_at - DAY)
                )
            found = sorted(catalog.copies_of(self.volume_id), key=lambda record: record.created_at)
            self.before = [record.id for record in found]
        finally:
            storage.close()

    def is_done(self):
        (state,) = self.site.call("GET", f"volumes/snapshot/schedules/{self.volume_id}")["schedules"]
        return "taken_for" in state and state["next_due"] == _a_day_after(state["taken_for"])

    def await_done(self):
        eventually(self.is_done, seconds=WAIT_SECONDS)

    def snapshots(self):
        """The volumes that are snapshots, the oldest first."""
        found = [volume for volume in self.site.volumes().values() if volume.get("readonly")]
        return sorted(found, key=lambda volume: volume["ctime"])

    def check(self):
        """What is true once the node that died has been started again and has looked at the plan."""
        kept = [volume["id"] for volume in self.snapshots()]
        assert kept[:-1] == self.before[-KEPT + 1 :], "another was removed than the oldest"
        assert kept[-1] not in self.before, "none was taken for the day"
        assert set(self.site.verdicts().values()) == {"good"}
        assert self.site.letter_is_there()

    def check_content(self):
        """Every snapshot holds what the volume held."""
        self.site.unmount_and_detach()
        for volume in self.snapshots():
            self.site.attach_and_mount(volume["id"])
            assert (self.site.target / "letter").read_bytes() == LETTER
            self.site.unmount_and_detach(volume["id"])


def _a_day_ago(plan: VolumePlan) -> VolumePlan:
    return msgspec.structs.replace(
        plan,
        planned_at=plan.planned_at - DAY,
        planner_since=plan.planner_since - DAY,
        entries={
            key: Entry(max(0, entry.done_for - DAY), entry.done_at) for key, entry in plan.entries.items()
        },
    )


def _a_day_after(moment: str) -> str:
    return datetime.fromtimestamp(datetime.fromisoformat(moment).timestamp() + DAY, UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def test_a_snapshot_by_plan_and_the_removal_of_an_old_one(planned):
    sweep(
        planned.site,
        planned.await_done,
        planned.check,
        stride=5,
        prepare=planned.let_a_day_pass,
        dies_at=lambda moment, work: planned.site.node.dies_unasked_at(moment, work, thread=THREAD),
        settle=planned.await_done,
    )
    planned.site.node.start()
    planned.check()
    planned.check_content()
