"""Secret bytes show themselves nowhere, and are overwritten when they are let go."""

import copy
import pickle

import pytest

from holdfast.model import SecretBytes

CANARY = b"hunter2"


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda secret: f"{secret}", id="format"),
        pytest.param(lambda secret: f"{secret!r:>40}", id="format-with-width"),
        pytest.param(lambda secret: "%s %r" % (secret, secret), id="percent"),  # noqa: UP031 - as logging does
        pytest.param(lambda secret: repr([secret, {"key": secret}]), id="inside-containers"),
        pytest.param(lambda secret: str(ValueError(secret)), id="inside-an-error"),
    ],
)
def test_no_text_form_shows_the_bytes(show):
    shown = show(SecretBytes(CANARY))
    assert "hunter2" not in shown
    assert str(list(CANARY)) not in shown


@pytest.mark.parametrize(
    "take_apart", [pytest.param(pickle.dumps, id="pickle"), pytest.param(copy.copy, id="copy")]
)
def test_they_are_never_taken_apart(take_apart):
    with pytest.raises(TypeError):
        take_apart(SecretBytes(CANARY))


def test_the_bytes_are_there_for_who_asks():
    secret = SecretBytes(CANARY)
    assert secret.reveal() == CANARY
    assert bytes(secret.view()) == CANARY
    assert len(secret) == len(CANARY)


def test_a_buffer_is_copied_and_not_adopted():
    buffer = bytearray(CANARY)
    secret = SecretBytes(buffer)
    buffer[:] = b"0" * len(buffer)
    assert secret.reveal() == CANARY


def test_wiping_overwrites_and_empties():
    secret = SecretBytes(CANARY)
    buffer = secret._buffer
    seen = []

    class Witness(bytearray):
        def clear(self):
            seen.append(bytes(self))
            super().clear()

    secret._buffer = Witness(buffer)
    secret.wipe()
    secret.wipe()
    assert seen[0] == bytes(len(CANARY))
    assert len(secret) == 0


def test_the_end_of_a_block_wipes_also_after_an_error():
    with pytest.raises(RuntimeError), SecretBytes(CANARY) as secret:
        raise RuntimeError
    assert secret.reveal() == b""
