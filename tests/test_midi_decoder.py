import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.control.midi.decoder import HOLD_S, MAX_CHANNELS, MAX_HELD, MAX_PARAMETERS, Decoder
from remapd.control.midi.messages import LARGEST_NUMBER, position_of


class Wire:
    """A decoder, and time that passes as told."""

    def __init__(self):
        self.decoder, self.now_s = Decoder(), 0.0

    def send(self, *messages, port="desk"):
        return [m for message in messages for m in self.decoder.decode(bytes(message), port, self.now_s)]

    def wait(self, time_s=HOLD_S):
        self.now_s += time_s
        return self.decoder.flush(self.now_s)


def shown(movements):
    return [(m.kind, m.channel, m.number, m.position) for m in movements]


def only(movements, kind):
    return [m for m in movements if m.kind == kind]


def test_a_controller_of_seven_bits():
    assert shown(Wire().send((0xB3, 70, 127))) == [("cc", 4, 70, 1.0)]


@pytest.mark.parametrize(
    ("value", "bits", "position"), [(0, 7, 0), (64, 7, 0.5), (127, 7, 1), (8192, 14, 0.5), (16383, 14, 1)]
)
def test_ends_and_centre_are_exact(value, bits, position):
    assert position_of(value, bits) == position


@given(st.sampled_from([7, 14]), st.data())
def test_positions_rise_and_stay_inside(bits, data):
    value = data.draw(st.integers(0, (1 << bits) - 2))
    assert 0.0 <= position_of(value, bits) < position_of(value + 1, bits) <= 1.0


def test_halves_of_a_controller_are_one_movement():
    wire = Wire()
    (pair,) = only(wire.send((0xB0, 7, 64), (0xB0, 39, 127)), "cc14")
    assert (pair.number, pair.position, pair.fine) == (7, position_of(64 << 7 | 127, 14), True)
    assert wire.wait() == []


def test_a_coarse_half_waits_so_that_the_value_does_not_jump_back():
    wire = Wire()
    wire.send((0xB0, 7, 65), (0xB0, 39, 0))
    down = only(wire.send((0xB0, 7, 64), (0xB0, 39, 127)), "cc14")
    assert [m.position for m in down] == [position_of((65 << 7) - 1, 14)]


def test_a_fine_half_that_is_late_still_counts():
    wire = Wire()
    wire.send((0xB0, 7, 65), (0xB0, 39, 3))
    wire.send((0xB0, 7, 66))
    assert shown(wire.wait()) == [("cc14", 1, 7, position_of(66 << 7, 14))]
    assert shown(only(wire.send((0xB0, 39, 5)), "cc14")) == [("cc14", 1, 7, position_of(66 << 7 | 5, 14))]


def test_a_fine_half_alone_refines_the_coarse_one_before():
    wire = Wire()
    wire.send((0xB0, 7, 10), (0xB0, 39, 3))
    assert only(wire.send((0xB0, 39, 4)), "cc14")[0].position == position_of(10 << 7 | 4, 14)


def test_without_fine_halves_seven_bits_span_the_whole_range():
    wire = Wire()
    wire.send((0xB0, 7, 127))
    assert [m.position for m in wire.wait()] == [1.0]


def test_coarse_halves_in_a_row_are_all_seen():
    wire = Wire()
    found = only(wire.send((0xB0, 7, 10), (0xB0, 7, 11)), "cc14") + wire.wait()
    assert [m.position for m in found] == [position_of(10, 7), position_of(11, 7)]


def test_a_fine_half_without_any_coarse_one_is_a_controller_of_its_own():
    assert shown(Wire().send((0xB0, 39, 4))) == [("cc", 1, 39, position_of(4, 7))]


def nrpn(number, coarse, fine=None):
    data = [(0xB0, 99, number >> 7), (0xB0, 98, number & 127), (0xB0, 6, coarse)]
    return data if fine is None else [*data, (0xB0, 38, fine)]


def test_a_parameter_with_both_halves():
    assert shown(Wire().send(*nrpn(300, 1, 2))) == [("nrpn", 1, 300, position_of(1 << 7 | 2, 14))]


def test_a_parameter_with_a_coarse_half_alone():
    wire = Wire()
    assert wire.send(*nrpn(300, 127)) == []
    assert shown(wire.wait()) == [("nrpn", 1, 300, 1.0)]


def test_a_parameter_stays_selected():
    wire = Wire()
    wire.send(*nrpn(5, 1, 2))
    assert shown(wire.send((0xB0, 6, 3), (0xB0, 38, 4))) == [("nrpn", 1, 5, position_of(3 << 7 | 4, 14))]


def test_the_null_parameter_lets_data_entry_be_a_controller_again():
    wire = Wire()
    wire.send(*nrpn(5, 1, 2), (0xB0, 101, 127), (0xB0, 100, 127))
    assert [m.kind for m in wire.send((0xB0, 6, 3))] == ["cc"]


def test_registered_parameters_are_told_apart():
    wire = Wire()
    wire.send(*nrpn(0, 9, 9))
    assert shown(wire.send((0xB0, 101, 0), (0xB0, 100, 0), (0xB0, 6, 2), (0xB0, 38, 0))) == [
        ("rpn", 1, 0, position_of(2 << 7, 14))
    ]


def test_increments_step():
    wire = Wire()
    wire.send(*nrpn(5, 1, 2))
    found = wire.send((0xB0, 96, 0), (0xB0, 97, 0))
    assert [(m.kind, m.number, m.steps) for m in found] == [("nrpn", 5, 1), ("nrpn", 5, -1)]
    assert [m.kind for m in Wire().send((0xB0, 96, 0))] == ["cc"]


def test_resetting_controllers_deselects():
    wire = Wire()
    wire.send(*nrpn(5, 1, 2), (0xB0, 121, 0))
    assert [m.kind for m in wire.send((0xB0, 6, 3))] == ["cc"]


def test_half_a_selection_selects_nothing():
    assert [m.kind for m in Wire().send((0xB0, 99, 1), (0xB0, 6, 3))] == ["cc"]


def test_notes_and_their_ends():
    found = Wire().send((0x99, 38, 1), (0x99, 38, 0), (0x89, 38, 64))
    assert shown(found) == [("note", 10, 38, 1.0), ("note", 10, 38, 0.0), ("note", 10, 38, 0.0)]


def test_a_program_knows_its_bank():
    wire = Wire()
    (program,) = only(wire.send((0xB0, 0, 1), (0xB0, 32, 2), (0xC0, 5)), "program")
    assert (program.number, program.bank) == (5, 130)


def test_bend_and_pressure():
    assert shown(Wire().send((0xE0, 0, 64), (0xE0, 127, 127), (0xD0, 127))) == [
        ("pitch_bend", 1, 0, 0.5), ("pitch_bend", 1, 0, 1.0), ("pressure", 1, 0, 1.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "message", [(), (0xB0,), (0xB0, 7), (0xB0, 7, 1, 2), (7, 1), (0xF8,), (0xF0, 1, 0xF7), (0xA0, 1, 1), (0xB0, 7, 128)]
)
def test_what_is_no_movement_is_counted(message):
    wire = Wire()
    assert wire.send(message) == []
    assert wire.decoder.ignored == 1


def test_channel_mode_messages_move_nothing():
    assert Wire().send((0xB0, 123, 0), (0xB0, 120, 0)) == []


def test_ports_and_channels_do_not_mix():
    wire = Wire()
    wire.send((0xB0, 7, 64))
    assert only(wire.send((0xB1, 39, 1)), "cc14") == []
    assert only(wire.send((0xB0, 39, 1), port="other"), "cc14") == []
    assert wire.send(*nrpn(5, 1, 2)[:2], port="desk") == []
    assert [m.kind for m in wire.send((0xB0, 6, 1), port="other")] == ["cc"]


def test_a_port_that_went_away_is_forgotten():
    wire = Wire()
    wire.send(*nrpn(5, 1))
    wire.decoder.forget("desk")
    assert wire.wait() == []
    assert wire.decoder.due_s is None
    assert [m.kind for m in wire.send((0xB0, 6, 3))] == ["cc"]


def test_what_is_remembered_is_bounded():
    wire = Wire()
    for number in range(2 * MAX_PARAMETERS):
        wire.send(*nrpn(number, 1))
        assert len(wire.decoder._held) <= MAX_HELD
    for port in range(MAX_CHANNELS + 10):
        wire.send((0xB0, 7, 1), port=str(port))
    assert len(wire.decoder._channels) <= MAX_CHANNELS


@given(st.lists(st.tuples(st.binary(max_size=4), st.booleans()), max_size=60))
def test_any_bytes_give_movements_that_fit_or_nothing(messages):
    wire = Wire()
    for message, waits in messages:
        for movement in wire.send(message) + (wire.wait() if waits else []):
            assert 0.0 <= movement.position <= 1.0
            assert 1 <= movement.channel <= 16
            assert 0 <= movement.number <= LARGEST_NUMBER[movement.kind]
            assert abs(movement.steps) <= 1


CONTROL = st.sampled_from([0, 6, 7, 32, 38, 39, 96, 97, 98, 99, 100, 101, 121])


@given(st.lists(st.tuples(CONTROL, st.integers(0, 127), st.booleans()), max_size=80))
def test_any_order_of_halves_keeps_values_inside(messages):
    wire = Wire()
    for control, value, waits in messages:
        for movement in wire.send((0xB0, control, value)) + (wire.wait() if waits else []):
            assert 0.0 <= movement.position <= 1.0


@given(st.lists(st.integers(0, 16383), min_size=1, max_size=30), st.booleans())
def test_a_fine_controller_is_followed_exactly(values, is_parameter):
    wire, found = Wire(), []
    for value in values:
        halves = (
            nrpn(77, value >> 7, value & 127) if is_parameter else [(0xB0, 20, value >> 7), (0xB0, 52, value & 127)]
        )
        found += only(wire.send(*halves), "nrpn" if is_parameter else "cc14") + wire.wait(0.001)
    assert [m.position for m in found] == [position_of(value, 14) for value in values]
