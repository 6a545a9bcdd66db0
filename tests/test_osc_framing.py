"""OSC over TCP: packets in a stream of bytes, however it is cut."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc import slip

from remapd.errors import FieldError
from remapd.osc.decoding import MAX_PACKET_BYTES
from remapd.osc.framing import LengthFraming, SlipFraming, framing_of

PACKETS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
# Many of the bytes that mean something.
SLIP_PACKETS = st.lists(
    st.lists(st.sampled_from([0xC0, 0xDB, 0xDC, 0xDD, 0, 65]), min_size=1, max_size=20).map(bytes), max_size=6
)


def read(framing, stream, step):
    return [packet for at in range(0, len(stream), step) for packet in framing.feed(stream[at : at + step])]


@given(PACKETS, st.integers(1, 50))
def test_lengths_survive_any_cut(packets, step):
    stream = b"".join(map(LengthFraming.frame, packets))
    assert read(LengthFraming(), stream, step) == packets


@given(SLIP_PACKETS, st.integers(1, 50))
def test_slip_survives_any_cut(packets, step):
    stream = b"".join(map(SlipFraming.frame, packets))
    assert read(SlipFraming(), stream, step) == packets


@given(st.binary(min_size=1, max_size=40))
def test_slip_is_that_of_python_osc(packet):
    assert SlipFraming.frame(packet) == slip.encode(packet)
    assert list(SlipFraming().feed(slip.encode(packet))) == [packet]


def test_single_ends_and_none_at_first_are_read_too():
    assert list(SlipFraming().feed(b"/a\0\0\xc0/b\0\0\xc0\xc0\xc0/c")) == [b"/a\0\0", b"/b\0\0"]


@pytest.mark.parametrize(
    ("stream", "framing"),
    [(b"\0\0\0\x08/a", LengthFraming), (b"\xc0/a", SlipFraming), (b"/a\0\0", SlipFraming), (b"#bun", SlipFraming)],
)
def test_framing_is_told_by_the_first_byte(stream, framing):
    assert isinstance(framing_of(stream[0]), framing)


@pytest.mark.parametrize("stream", [b"GET / HTTP/1.1", b"POST", b"\x16\x03\x01", b"\xff"])
def test_what_is_no_osc_is_refused(stream):
    with pytest.raises(FieldError, match="stream"):
        framing_of(stream[0])


@pytest.mark.parametrize("size", [0, -1, MAX_PACKET_BYTES + 1, 2**31 - 1])
def test_lengths_that_no_packet_has_are_refused(size):
    with pytest.raises(FieldError, match="frame"):
        list(LengthFraming().feed(struct.pack(">i", size)))


def test_a_frame_that_never_ends_takes_no_memory():
    framing = SlipFraming()
    for _ in range(100):
        assert list(framing.feed(b"x" * 16_384)) == []
        assert len(framing._buffer) <= 2 * MAX_PACKET_BYTES
    assert list(framing.feed(b"x\xc0/a\0\0\xc0")) == [b"/a\0\0"]  # It goes on with the next.
