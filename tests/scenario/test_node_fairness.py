"""One user whose calls wait for something keeps nobody else from being served."""

import fcntl
import threading
import time

from tests.support.node_process import NodeProcess

from holdfast.api.sdk.calls import MAX_CALLS_OF_ONE
from holdfast.client.errors import RemoteError

MORE = 6
PATIENCE_SECONDS = 60.0


def test_others_are_served_while_one_waits(tmp_path):
    with NodeProcess(tmp_path) as node:
        volume = {"name": "vol1", "spec": {"size": str(16 << 20)}}
        volume_id = node.client(node.token("alice")).request("POST", "volumes", volume)["volume_id"]
        answers: list[str] = []

        def attach() -> None:
            client = node.client(node.token("alice"))
            try:
                client.request("POST", "mountattach/attach", {"volume_id": volume_id})
                answers.append("")
            except RemoteError as error:
                answers.append(error.message)
            finally:
                client.close()

        calls = [threading.Thread(target=attach, daemon=True) for _ in range(MAX_CALLS_OF_ONE + MORE)]
        with (node.storage / "volumes" / f"{volume_id}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as somebody who works on the volume for long
            for call in calls:
                call.start()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while len(answers) < MORE and time.monotonic() < deadline:
                time.sleep(0.02)
            assert (
                answers[:MORE] == [f"expected at most {MAX_CALLS_OF_ONE} calls of one user at a time"] * MORE
            )
            assert node.client(node.token("bob")).request("GET", "identities/version")["version"]
            assert len(answers) == MORE, "Bob was to be served while Alice's calls wait"
        for call in calls:
            call.join(PATIENCE_SECONDS)
        assert node.client(node.token("alice")).request("GET", "volumes")["volume_ids"] == [volume_id]
