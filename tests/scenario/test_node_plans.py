"""A node that was down when a snapshot was due takes it when it starts, in the name of who wanted it."""

import json
import time
from datetime import UTC, datetime

import msgspec
from tests.support.node_process import NodeProcess

from holdfast.clock import SystemClock
from holdfast.node.schedules.volume_plans import VolumePlans
from holdfast.noded.state import StateSettings, open_state

SIZE, DAY, SECONDS = 16 << 20, 86_400, 120


def test_what_was_missed_is_made_up_for(tmp_path):
    with NodeProcess(tmp_path) as node:
        client = node.client(node.token("alice"))
        hour = (datetime.now(UTC).hour + 12) % 24  # not while this test runs
        spec = {"size": str(SIZE), "snapshot_schedule": f"daily={hour}:00,7"}
        volume = client.request("POST", "volumes", {"name": "vol1", "spec": spec})["volume_id"]
        node.kill()
        storage = open_state(
            StateSettings(), node.storage / "records", cluster_id="test-cluster", clock=SystemClock()
        )
        VolumePlans(storage).update(
            volume, lambda plan: msgspec.structs.replace(plan, planned_at=plan.planned_at - 3 * DAY)
        )
        storage.close()

        node.start()
        client, until = node.client(node.token("alice")), time.monotonic() + SECONDS
        while not (found := snapshots(client, volume)):
            assert time.monotonic() < until, "nothing was made up for"
            time.sleep(0.1)
        (snapshot,) = found
        seen = client.request("GET", f"volumes/inspect/{snapshot}")["volume"]
        assert (seen["holdfast"]["taken_by"], seen["readonly"]) == ("daily", True)
        assert seen["spec"]["ownership"] == {"owner": "alice"}
        lines = [json.loads(line) for line in (node.storage / "audit.log").read_text().splitlines()]
        by_itself = [line for line in lines if line.get("peer") == "schedule"]
        assert {line["user"] for line in by_itself} == {"alice"}
        assert [line["decision"] for line in by_itself if line.get("gate") == "role"] == ["allowed"]


def snapshots(client, volume):
    answer = client.request("POST", "volumes/snapshots/filters", {"volume_id": volume})
    return answer.get("volume_snapshot_ids", [])
