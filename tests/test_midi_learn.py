"""Which movement is meant."""

import pytest

from remapd.control.midi.decoder import Decoder
from remapd.control.midi.learn import SETTLE_S, Learner
from remapd.control.midi.mappings import Source
from remapd.control.tree import build_tree

TREE = build_tree(["snare808"])
GAIN, MUTE, PRESET = "/track/1/gain_db", "/track/1/mute", "/track/1/preset"


def learnt(path, *messages, wait_s=SETTLE_S, spacing_s=0.0):
    """Source that a learner takes from messages, and from the silence after them."""
    learner, decoder, now_s = Learner(TREE.get(path) if path != "session" else None), Decoder(), 0.0
    for message in messages:
        now_s += spacing_s
        for movement in decoder.decode(bytes(message), "desk", now_s):
            if (source := learner.offer(movement, now_s)) is not None:
                return source
    for movement in decoder.flush(now_s + wait_s):
        if (source := learner.offer(movement, now_s + wait_s)) is not None:
            return source
    return learner.settled(now_s + wait_s)


def at(kind, number=0, channel=1):
    return Source(kind, number, channel, "desk")


@pytest.mark.parametrize(
    ("path", "messages", "source"),
    [
        (GAIN, [(0xB2, 74, 9)], at("cc", 74, 3)),
        (GAIN, [(0xB0, 7, 9)], at("cc", 7)),
        (GAIN, [(0xB0, 40, 9)], at("cc", 40)),
        (GAIN, [(0xB0, 7, 9), (0xB0, 39, 1)], at("cc14", 7)),
        (GAIN, [(0xB0, 39, 1), (0xB0, 7, 9), (0xB0, 39, 1)], at("cc14", 7)),
        (GAIN, [(0xB0, 7, 9), (0xB0, 8, 9), (0xB0, 40, 9)], at("cc", 7)),
        (GAIN, [(0xB0, 7, 9), (0xB1, 39, 1)], at("cc", 7)),
        (GAIN, [(0xB0, 99, 1), (0xB0, 98, 2), (0xB0, 6, 3), (0xB0, 38, 4)], at("nrpn", 130)),
        (GAIN, [(0xB0, 99, 1), (0xB0, 98, 2), (0xB0, 6, 3)], at("nrpn", 130)),
        (GAIN, [(0xB0, 99, 1), (0xB0, 98, 2), (0xB0, 96, 0)], at("nrpn", 130)),
        (GAIN, [(0x90, 38, 99), (0xE0, 0, 80)], at("pitch_bend")),
        (GAIN, [(0xC0, 3), (0xD0, 80)], at("pressure")),
        (MUTE, [(0x80, 38, 0), (0x90, 38, 99)], at("note", 38)),
        (MUTE, [(0xB0, 64, 127)], at("cc", 64)),
        (MUTE, [(0xB0, 7, 127), (0xB0, 39, 1)], at("cc", 7)),
        (MUTE, [(0xD0, 80), (0xE0, 0, 80)], None),
        ("/panic", [(0xC4, 3)], at("program", 3, 5)),
        (PRESET, [(0xB0, 0, 1), (0xB0, 32, 2), (0xC0, 3)], at("program", 3)),
        ("session", [(0xC0, 3)], at("program", 3)),
        (GAIN, [(0xB0, 101, 0), (0xB0, 100, 0), (0xB0, 6, 2), (0xB0, 38, 0)], None),
        (GAIN, [(0xB0, 123, 0), (0xF8,), (0xA0, 1, 2)], None),
        (GAIN, [], None),
    ],
)
def test_what_is_meant(path, messages, source):
    assert learnt(path, *messages) == source


def test_halves_may_be_a_few_ms_apart():
    assert learnt(GAIN, (0xB0, 7, 9), (0xB0, 39, 1), spacing_s=0.01) == at("cc14", 7)


def test_a_controller_that_may_be_a_half_is_waited_for():
    assert learnt(GAIN, (0xB0, 7, 9), wait_s=0.9 * SETTLE_S) is None
    assert learnt(GAIN, (0xB0, 90, 9), wait_s=0.0) == at("cc", 90)
