"""Whoever stops waiting for the node with Ctrl-C is told that the node goes on, and what ends that."""

import pytest

from holdfast.cli.hfctl import cloudsnap, volume_reencrypt


class Waited:
    """A node that answers what begins work, and for which nobody waits any longer."""

    def request(self, _method, path, *_):
        if path == "cloudbackups/status" or path.startswith("volumes/keys/reencrypt/"):
            raise KeyboardInterrupt
        return {"task_id": "7d1f", "reencryption": {}}


@pytest.mark.parametrize(
    ("module", "words", "told"),
    [
        (
            cloudsnap,
            "cloudsnap backup data",
            "It goes on at the node, until `hfctl cloudsnap stop --name 7d1f`",
        ),
        (
            volume_reencrypt,
            "volume reencrypt data",
            "It goes on at the node; see how far it is with --status.",
        ),
    ],
)
def test_that_the_node_goes_on_is_said(hfctl, monkeypatch, module, words, told):
    monkeypatch.setattr(module, "node_client", lambda _: Waited())
    code, out, err = hfctl(*words.split())
    assert (code, out) == (130, "")
    assert err.startswith(told)
