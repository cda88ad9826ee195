"""What `hfctl secrets` says of many volumes, and of a node that goes away amid its work."""

import pytest

from holdfast.cli.hfctl import rotation_progress, secrets
from holdfast.client.errors import RemoteUnavailableError


@pytest.fixture
def node(monkeypatch):
    """Answers by path; an error is raised."""
    answers = {}

    class Node:
        def request(self, _method, path, *_):
            answer = answers.get(path, {})
            if isinstance(answer, Exception):
                raise answer
            return answer

    for module in (secrets, rotation_progress):
        monkeypatch.setattr(module, "node_client", lambda _: Node())
    return answers


def test_status_has_one_line_for_all_keys_that_volumes_have_for_themselves(hfctl, node):
    own = {f"holdfast/volumes/{number}@1": 1 for number in range(100)}
    node["cluster/secrets/status"] = {
        "provider": {"type": "vault", "usable": True},
        "volumes_by_key": {**own, "common@2": 5, "a@1": 1},
    }
    code, out, _ = hfctl("secrets", "status")
    assert code == 0
    lines = [line.split() for line in out.splitlines() if line.startswith("Volumes")]
    assert lines == [
        ["Volumes", "on", "a@1", "1"],
        ["Volumes", "on", "common@2", "5"],
        ["Volumes", "on", "keys", "of", "their", "own", "100"],
    ]


@pytest.mark.parametrize(
    ("words", "path", "again"),
    [
        ("rotate-cluster-key", "cluster/secrets/rotatedefaultsecretkey", "rotate-cluster-key --resume"),
        ("move-keys", "cluster/secrets/movekeys", "move-keys"),
    ],
)
def test_how_to_go_on_is_said_when_the_node_goes_away(hfctl, node, words, path, again):
    node[path] = RemoteUnavailableError("no answer from http://127.0.0.1:9021: the connection broke")
    code, _, err = hfctl("secrets", words)
    assert code == 2
    assert f"go on with `hfctl secrets {again}`" in err
