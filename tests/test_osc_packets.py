"""OSC packets in bytes, both ways, held against python-osc, and against bytes that are no packets."""

import contextlib
import math
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc import osc_bundle_builder
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

from remapd.errors import FieldError
from remapd.osc.arguments import IMPULSE, Char, MidiMessage, Rgba, Symbol
from remapd.osc.codec import Bundle, Message, decode, encode, encode_bundle
from remapd.osc.decoding import MAX_ARGUMENTS, MAX_DEPTH, MAX_ELEMENTS, MAX_PACKET_BYTES
from remapd.osc.timetag import IMMEDIATELY, TimeTag

SINGLES = st.floats(width=32, allow_nan=False)
TEXTS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=20)
BYTES = st.integers(0, 255)
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    SINGLES,
    TEXTS,
    TEXTS.map(Symbol),
    st.binary(max_size=20),
    st.booleans(),
    st.none(),
    st.just(IMPULSE),
    st.characters(max_codepoint=127).map(Char),
    st.builds(Rgba, BYTES, BYTES, BYTES, BYTES),
    st.builds(MidiMessage, BYTES, BYTES, BYTES, BYTES),
    st.integers(0, 2**64 - 1).map(TimeTag),
)
ARGUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)
ADDRESSES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map("/".__add__)
MESSAGES = st.builds(Message, ADDRESSES, st.lists(ARGUMENTS, max_size=5).map(tuple))


def encoded(packet):
    if isinstance(packet, Message):
        return encode(packet.address, packet.arguments)
    return encode_bundle([encoded(element) for element in packet.elements], packet.time_tag)


BUNDLES = st.recursive(
    MESSAGES,
    lambda inner: st.builds(Bundle, st.integers(0, 2**64 - 1).map(TimeTag), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
).filter(lambda packet: depth(packet) <= MAX_DEPTH)


def depth(packet):
    return 0 if isinstance(packet, Message) else 1 + max(map(depth, packet.elements), default=0)


@given(BUNDLES)
def test_what_is_encoded_is_decoded(packet):
    decoded = decode(encoded(packet))
    assert decoded == packet
    assert repr(decoded) == repr(packet)  # Also the types: 1 == 1.0 == True.


@given(st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), SINGLES, st.booleans(), TEXTS), max_size=6))
def test_python_osc_reads_what_we_write(arguments):
    message = OscMessage(encode("/a/b", arguments))
    assert message.address == "/a/b"
    assert message.params == arguments


@given(st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), SINGLES, st.booleans(), TEXTS), max_size=6))
def test_we_read_what_python_osc_writes(arguments):
    builder = OscMessageBuilder("/a/b")
    for argument in arguments:
        builder.add_arg(argument)
    assert decode(builder.build().dgram) == Message("/a/b", tuple(arguments))


def test_bundles_of_python_osc():
    when = time.time() + 3.0
    inner, outer = OscBundleBuilder(when), OscBundleBuilder(osc_bundle_builder.IMMEDIATELY)
    inner.add_content(OscMessageBuilder("/a").build())
    outer.add_content(inner.build())
    bundle = decode(outer.build().dgram)
    assert bundle.time_tag == IMMEDIATELY
    assert bundle.elements[0].elements == (Message("/a"),)
    assert bundle.elements[0].time_tag.time_s == pytest.approx(when, abs=1e-6)
    ours = OscPacket(encode_bundle([encode("/x", [1]), encode("/y", ["z"])], TimeTag.at(when)))
    assert [(m.message.address, m.message.params) for m in ours.messages] == [("/x", [1]), ("/y", ["z"])]
    assert ours.messages[0].time == pytest.approx(when, abs=1e-6)


def test_every_type_as_the_specification_writes_it():
    data = b"/a\0\0,ifdhsSbTFNItrcm[i[f]]\0\0" + b"".join(
        [
            struct.pack(">ifdq", -2, 0.5, math.pi, 2**40),
            b"text\0\0\0\0sym\0",
            b"\0\0\0\x05blob!\0\0\0",
            (1).to_bytes(8),
            b"\x01\x02\x03\x04",
            b"\0\0\0A",
            b"\0\x90\x40\x7f",
            struct.pack(">if", 7, 0.25),
        ]
    )
    expected = (
        -2, 0.5, math.pi, 2**40, "text", "sym", b"blob!", True, False, None, IMPULSE, IMMEDIATELY,
        (1, 2, 3, 4), "A", (0, 0x90, 0x40, 0x7F), (7, (0.25,)),
    )  # fmt: skip
    assert decode(data) == Message("/a", expected)


def test_a_message_without_types_has_no_arguments():
    assert decode(b"/panic\0\0") == Message("/panic")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "packet"),
        (b"/a\0", "packet"),
        (b"/abc", "address"),
        (b"abc\0", "address"),
        (b"\0\0\0\0", "address"),
        (b"/\xffb\0", "address"),
        (b"/\xc3\xa4\0,\0\0\0\0\0\0"[:8], "address"),
        (b"/a b\x01\0\0\0", "address"),
        (b"/" + b"a" * 255 + b"\0" * 4, "address"),
        (b"/a\0\0i\0\0\0", "types"),
        (b"/a\0\0,iii", "types"),
        (b"/a\0\0,q\0\0", "types"),
        (b"/a\0\0,[\0\0", "types"),
        (b"/a\0\0,]\0\0", "types"),
        (b"/a\0\0,i\0\0", "arguments"),
        (b"/a\0\0,d\0\0\0\0\0\0", "arguments"),
        (b"/a\0\0,t\0\0\0\0\0\0", "time tag"),
        (b"/a\0\0,s\0\0abcd", "string"),
        (b"/a\0\0,s\0\0\xff\xfe\xfd\0", "string"),
        (b"/a\0\0,b\0\0\xff\xff\xff\xff", "blob"),
        (b"/a\0\0,b\0\0\x7f\xff\xff\xff", "blob"),
        (b"/a\0\0,c\0\0\x7f\xff\xff\xff", "char"),
        (b"#bundle\0", "time tag"),
        (b"#bundle\0\0\0\0\0\0\0\0\1\0\0\0\0", "bundle.element"),
        (b"#bundle\0\0\0\0\0\0\0\0\1\xff\xff\xff\xff/a\0\0", "bundle.element"),
        (b"#bundle\0\0\0\0\0\0\0\0\1\0\0\0\x08/a\0\0", "bundle.element"),
        (b"#bundle\0\0\0\0\0\0\0\0\1\0\0\0\x02/a\0\0", "packet"),
        (bytes(MAX_PACKET_BYTES + 1), "packet"),
        (b"/a\0\0," + b"T" * (MAX_ARGUMENTS + 1) + bytes(2), "types"),
        (b"/a\0\0," + b"[" * 9 + b"]" * 9 + b"\0", "types"),
    ],
)
def test_what_is_no_packet_is_refused_by_field(data, field):
    with pytest.raises(FieldError) as refused:
        decode(data)
    assert refused.value.field == field


def test_bundles_in_bundles_have_an_end():
    packet = encode("/a")
    for _ in range(MAX_DEPTH):
        packet = encode_bundle([packet])
    assert depth(decode(packet)) == MAX_DEPTH
    for _ in range(1500):  # As deep as python-osc falls over.
        packet = encode_bundle([packet])
    with pytest.raises(FieldError, match="in one another"):
        decode(packet)


def test_a_packet_has_a_bounded_number_of_messages():
    assert len(decode(encode_bundle([b"/\0\0\0"] * (MAX_ELEMENTS - 1))).elements) == MAX_ELEMENTS - 1
    with pytest.raises(FieldError, match="messages and bundles"):
        decode(encode_bundle([b"/\0\0\0"] * MAX_ELEMENTS))


@given(st.binary(max_size=200))
def test_random_bytes_are_a_packet_or_refused(data):
    decoded_or_refused(data)


@given(BUNDLES, st.data())
def test_damaged_packets_are_a_packet_or_refused(packet, data):
    """Bytes changed, cut off, or put in."""
    damaged = bytearray(encoded(packet))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    decoded_or_refused(bytes(damaged))


def decoded_or_refused(data):
    with contextlib.suppress(FieldError):
        assert isinstance(decode(data), Message | Bundle)


@pytest.mark.parametrize("argument", [object(), "a\0b", 2**63, Char("ab"), Char("ä"), {1: 2}])
def test_what_osc_has_no_form_for_is_not_sent(argument):
    with pytest.raises(FieldError):
        encode("/a", [argument])


@pytest.mark.parametrize("address", ["", "a", "/ä", "/a\n"])
def test_what_is_no_address_is_not_sent(address):
    with pytest.raises(FieldError):
        encode(address)


def test_numbers_that_need_64_bits_have_them():
    assert decode(encode("/a", [2**31, 1e300])).arguments == (2**31, 1e300)
    assert b",hd" in encode("/a", [2**31, 1e300])


@given(st.floats(0.0, 4e9))
def test_time_tags_keep_time_beyond_2036(time_s):
    assert TimeTag.at(time_s).time_s == pytest.approx(time_s, abs=1e-6)


def test_time_tags_that_ask_for_no_delay():
    assert IMMEDIATELY.time_s == TimeTag(0).time_s == float("-inf")
