import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.sinks.midi.wire import AHEAD_S, BYTE_S, Wire
from tests.midi_device import Cable

SENDINGS = st.lists(st.tuples(st.floats(0.0, 0.01), st.integers(1, 3)), min_size=1, max_size=30)
BYTES_S = st.sampled_from([0.0, *BYTE_S.values()])


def test_a_controller_takes_one_ms_on_a_din_cable() -> None:
    assert Wire(BYTE_S["din"]).send(14 * 3, 0.0) == 0.0
    wire = Wire(BYTE_S["din"])
    for _ in range(14):
        wire.send(3, 0.0)
    assert wire.free_s == pytest.approx(13.44e-3)
    assert pytest.approx(0.96e-3) == AHEAD_S


@given(SENDINGS, BYTES_S)
def test_messages_go_one_after_the_other(sendings: list, byte_s: float) -> None:
    wire, cable, now_s = Wire(byte_s), Cable(byte_s), 0.0
    for gap_s, size in sendings:
        now_s += gap_s
        (arrival,) = cable.carry([bytes(size)], now_s)
        assert wire.begins_s(now_s) == pytest.approx(arrival.begins_s)
        assert wire.send(size, now_s) == pytest.approx(arrival.begins_s)
        assert wire.free_s == pytest.approx(arrival.ends_s)


@given(SENDINGS, BYTES_S, st.floats(-0.005, 0.02))
def test_room_is_what_can_be_sent_until_then_and_no_more(sendings: list, byte_s: float, ahead_s: float) -> None:
    wire, now_s = Wire(byte_s), 0.0
    for gap_s, size in sendings:
        now_s += gap_s
        wire.send(size, now_s)
    room, until_s = wire.room(now_s, now_s + ahead_s), now_s + ahead_s
    if room < 0:
        assert wire.begins_s(now_s) > until_s
    elif byte_s > 0.0:
        assert wire.begins_s(now_s) + room * byte_s <= until_s + 1e-9
        assert wire.begins_s(now_s) + (room + 1) * byte_s > until_s - 1e-9


@given(BYTES_S.filter(bool), st.integers(1, 3), st.integers(1, 100))
def test_what_is_sent_when_it_is_ready_never_fills_the_wire(byte_s: float, size: int, count: int) -> None:
    wire, now_s = Wire(byte_s), 0.0
    for _ in range(count):
        now_s = max(now_s, wire.ready_s(size))
        wire.send(size, now_s)
        assert wire.free_s - now_s <= AHEAD_S * 1.001
