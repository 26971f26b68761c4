"""Frames: what is written is read, and nothing else is believed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.files import pipes

FRAMES = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.binary(max_size=300)), max_size=8)


def encoded(sequence):
    """Return the bytes of frames as they come out of a pipe."""
    reading, writing = os.pipe()
    for kind, payload in sequence:
        pipes.write(writing, kind, payload)
    os.close(writing)
    with open(reading, "rb") as stream:
        return stream.read()


@given(FRAMES, st.integers(1, 50))
def test_decoder_gives_what_was_written(sequence, step):
    """Whatever pieces the bytes come in, the frames are those that were written."""
    data = encoded(sequence)
    decoder = pipes.Decoder(b"ab")
    found = [frame for i in range(0, len(data), step) for frame in decoder.feed(data[i : i + step])]
    assert found == sequence


@given(FRAMES)
def test_read_gives_what_was_written(sequence):
    """Reading frame by frame gives those written, and None at the end."""
    reading, writing = os.pipe()
    for kind, payload in sequence:
        pipes.write(writing, kind, payload)
    os.close(writing)
    found = [pipes.read(reading) for _ in range(len(sequence) + 1)]
    os.close(reading)
    assert found == [*sequence, None]


@pytest.mark.parametrize("data", [b"z\0\0\0\0", b"a\xff\xff\xff\xff"], ids=["unknown kind", "too long"])
def test_decoder_refuses_before_it_keeps(data):
    """An unknown kind and a length over the cap are refused from the header alone."""
    with pytest.raises(pipes.BrokenStreamError):
        list(pipes.Decoder(b"ab", cap=1000).feed(data))


def test_torn_frame_is_told_from_the_end():
    """A stream that ends within a frame is broken, not ended."""
    reading, writing = os.pipe()
    os.write(writing, b"a\x05\0\0\0xy")
    os.close(writing)
    with pytest.raises(pipes.BrokenStreamError):
        pipes.read(reading)
    os.close(reading)
