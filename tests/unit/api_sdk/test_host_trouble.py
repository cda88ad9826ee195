"""A pool that is full, read-only or broken below a call is named as that; it is no defect of the node."""

import errno
import os

import pytest
from tests.support.sdk_face import SIZE, Face

from holdfast.node.host_trouble import host_trouble
from holdfast.volumes.pool import Pool


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "cannot be read or written"),
        (errno.EMFILE, "too few resources"),
    ],
)
def test_what_the_host_refuses_is_said_with_what_to_do(face: Face, monkeypatch, number, word):
    def refused(*_args, **_options):
        raise OSError(number, os.strerror(number), "/canary/path")

    monkeypatch.setattr(Pool, "create", refused)
    answer = face.create()
    assert (answer.status, answer.json["code"]) == (503, 14)
    assert word in answer.json["message"]
    assert "canary" not in str(answer.json)


@pytest.mark.parametrize(
    "error", [OSError(errno.EBADF, "x"), OSError(), FileNotFoundError(2, "x"), ValueError()]
)
def test_all_else_stays_a_defect(error):
    assert host_trouble(error) is None


def test_a_backing_file_that_is_gone_is_said_whatever_is_asked_for(face):
    created = face.create(encrypted=False).json["volume_id"]
    path = face.t.devices.pool.directory / f"{created}.img"
    path.unlink()
    alice = face.t.token("alice")
    for method, target, body in (
        ("PUT", f"/v1/volumes/{created}", {"spec": {"size": str(2 * int(SIZE))}}),
        ("GET", f"/v1/volumes/usage/{created}", None),
        ("POST", "/v1/mountattach/attach", {"volume_id": created}),
        ("POST", "/v1/volumes/snapshots", {"volume_id": created, "name": "snap1"}),
    ):
        answer = face(method, target, body, token=alice)
        assert (answer.status, "backing file is gone" in answer.json["message"]) == (409, True), target
