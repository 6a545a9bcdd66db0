import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.sinks.midi import encode
from remapd.sinks.midi.device import Device
from remapd.sinks.midi.encode import Address
from tests.midi_device import Instrument

CHANNEL, SEVEN, FOURTEEN = st.integers(1, 16), st.integers(0, 127), st.integers(0, 16383)


def read(data: bytes) -> mido.Message:
    return mido.Message.from_bytes(data)


@given(CHANNEL, SEVEN, st.integers(1, 127))
def test_notes_are_what_mido_reads(channel: int, note: int, velocity: int) -> None:
    assert read(encode.note_on(channel, note, velocity)) == mido.Message(
        "note_on", channel=channel - 1, note=note, velocity=velocity
    )
    assert read(encode.note_off(channel, note)) == mido.Message("note_off", channel=channel - 1, note=note, velocity=0)


@given(CHANNEL, SEVEN, SEVEN, st.integers(-8192, 8191))
def test_controllers_are_what_mido_reads(channel: int, number: int, value: int, bend: int) -> None:
    here = {"channel": channel - 1}
    assert read(encode.controller(channel, number, value)) == mido.Message(
        "control_change", control=number, value=value, **here
    )
    assert read(encode.pitch_bend(channel, bend)) == mido.Message("pitchwheel", pitch=bend, **here)
    assert read(encode.pressure(channel, value)) == mido.Message("aftertouch", value=value, **here)
    assert read(encode.poly_pressure(channel, number, value)) == mido.Message(
        "polytouch", note=number, value=value, **here
    )


@given(CHANNEL, SEVEN, st.none() | FOURTEEN)
def test_a_program_is_selected_with_its_bank(channel: int, number: int, bank: int | None) -> None:
    instrument = Instrument()
    for message in encode.program(channel, number, bank):
        instrument.hear(message)
    assert instrument.programs == {channel: (bank or 0, number)}


def test_mpe_is_set_up_by_registered_parameter_6_of_channel_1() -> None:
    messages = [read(data) for data in encode.mpe_zone(15)]
    assert [(m.channel, m.control, m.value) for m in messages] == [(0, 101, 0), (0, 100, 6), (0, 6, 15)]


def test_all_off_is_pedal_up_notes_off_sound_off() -> None:
    assert [(m.channel, m.control, m.value) for m in map(read, encode.all_off(16))] == [
        (15, 64, 0),
        (15, 123, 0),
        (15, 120, 0),
    ]


ADDRESSES = [
    Address("cc", 1, 20),
    Address("cc14", 1, 7),
    Address("cc14", 2, 7),
    Address("nrpn", 1, 300),
    Address("nrpn", 1, 301),
    Address("nrpn7", 1, 302),
    Address("nrpn", 2, 300),
    Address("pitch_bend", 1),
    Address("pressure", 1),
    Address("poly_pressure", 1, 38),
]
VALUES = {"cc14": FOURTEEN, "nrpn": FOURTEEN, "pitch_bend": st.integers(-8192, 8191)}
STEPS = st.sampled_from(ADDRESSES).flatmap(
    lambda a: st.tuples(st.just(a), VALUES.get(a.kind, SEVEN), st.integers(0, 4), st.booleans())
)


@given(st.lists(STEPS, max_size=40))
def test_a_device_has_what_it_was_told_though_messages_were_interrupted(steps: list) -> None:
    device, instrument, told = Device(), Instrument(), {}
    for address, value, count, is_whole in steps:
        messages = device.needed(address, value)
        for message in messages if is_whole else messages[:count]:
            device.hear(address, message)
            instrument.hear(message)
        if is_whole:
            told[address] = value
            assert device.needed(address, value) == []
        elif count:
            told.pop(address, None)  # Perhaps some of it is there.
        for one in told:
            assert device.value(one) == instrument.value(one) == told[one]


def told(device: Device, address: Address, value: int) -> list[tuple[int, int]]:
    messages = device.needed(address, value)
    for message in messages:
        device.hear(address, message)
    return [(message[1], message[2]) for message in messages]


def test_fine_half_goes_alone_where_only_it_differs() -> None:
    device, address = Device(), Address("cc14", 1, 7)
    assert told(device, address, 128 * 3 + 5) == [(7, 3), (39, 5)]
    assert told(device, address, 128 * 3 + 6) == [(39, 6)]
    assert told(device, address, 128 * 4 + 6) == [(7, 4), (39, 6)]
    assert told(device, address, 128 * 4 + 6) == []


def test_numbered_parameter_is_selected_only_if_another_one_is() -> None:
    device, one, other = Device(), Address("nrpn", 1, 257), Address("nrpn7", 1, 258)
    assert told(device, one, 128 * 3 + 5) == [(99, 2), (98, 1), (6, 3), (38, 5)]
    assert told(device, one, 128 * 4 + 5) == [(6, 4), (38, 5)]
    assert told(device, one, 128 * 4 + 6) == [(38, 6)]
    assert told(device, other, 9) == [(99, 2), (98, 2), (6, 9)]
    assert told(device, other, 10) == [(6, 10)]
    assert told(device, one, 128 * 4 + 7) == [(99, 2), (98, 1), (6, 4), (38, 7)]


@pytest.mark.parametrize("channel", [None, 1])
def test_what_is_forgotten_is_told_again(channel: int | None) -> None:
    device, here, there = Device(), Address("nrpn", 1, 5), Address("cc", 2, 5)
    first = [told(device, here, 9), told(device, there, 9)]
    device.forget(channel)
    assert [told(device, here, 9), told(device, there, 9)] == [first[0], first[1] if channel is None else []]
