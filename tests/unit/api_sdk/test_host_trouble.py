"""A pool that is full, read-only or broken below a call is named as that; it is no defect of the node."""

import errno
import os

import pytest
from tests.support.sdk_face import Face

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
