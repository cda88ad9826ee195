"""Frames come out as they went in, however the stream is cut."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InternalError
from holdfast.server.frames import MAX_FRAME_BYTES, FrameReader, frame_head


def stream_of(payloads):
    return b"".join(frame_head(payload) + payload for payload in payloads)


@given(st.lists(st.binary(max_size=50), max_size=10), st.integers(1, 40))
def test_any_cut_gives_the_same_payloads(payloads, piece_bytes):
    stream, reader, received = stream_of(payloads), FrameReader(), []
    for start in range(0, len(stream), piece_bytes):
        received += reader.feed(stream[start : start + piece_bytes])
    assert received == payloads


def test_an_impossible_length_is_refused_before_it_is_waited_for():
    with pytest.raises(InternalError):
        FrameReader().feed(struct.pack(">I", MAX_FRAME_BYTES + 1))


def test_a_payload_over_the_limit_is_not_sent():
    class Huge(bytes):
        def __len__(self):
            return MAX_FRAME_BYTES + 1

    with pytest.raises(InternalError):
        frame_head(Huge())
