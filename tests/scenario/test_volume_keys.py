"""Keys of volumes as an operator looks after them: rotation, the doctor, and the worst day."""

import os
import sys
from pathlib import Path

from tests.support.node_process import SHARED_SECRET, NodeProcess
from tests.support.transcript import play

TRANSCRIPT = Path(__file__).parent / "transcripts" / "volume_keys.txt"


def test_a_key_is_rotated_lost_and_replaced(tmp_path):
    people, secrets = tmp_path / "people", tmp_path / "secrets"
    people.mkdir()
    signing_key = people / "signing.key"
    signing_key.touch(mode=0o600)
    signing_key.write_text(SHARED_SECRET + "\n")
    (people / "admin.yaml").write_text(
        'name: admin\nemail: admin@example.com\nsub: admin\nroles: ["system.admin"]\ngroups: ["*"]\n'
    )
    environment = {"HOLDFAST_SECRETS_DIRECTORY": str(secrets)}
    with NodeProcess(tmp_path, "-secret_type", "file", environment=environment) as node:
        play(
            TRANSCRIPT.read_text(),
            directory=people,
            environment={
                "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
                "HOME": str(people),
                "NODE": node.address,
                "SECRETS": str(secrets),
            },
        )
