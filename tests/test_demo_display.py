"""The live screen fits the terminal and says what came; without a terminal there is a line for each hit."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from remapd.demo.bars import Bars
from remapd.demo.display import LineDisplay, LiveDisplay, make_display
from remapd.demo.screen import draw
from remapd.synth.registry import SYNTHS
from tests.demo_events import hit, rejected, status

BLOCKS = Bars.for_encoding("utf-8")
NAMES = SYNTHS["snare808"].table.names


def console(terminal: bool, width: int = 100, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    return Console(file=file, force_terminal=terminal, width=width, height=30, _environ={"TERM": "xterm"})


def written(target: Console) -> str:
    return target.file.buffer.getvalue().decode(target.encoding)  # type: ignore[attr-defined]


def test_plain_lines_where_there_is_no_terminal() -> None:
    target = console(terminal=False)
    display = make_display(target, "title", ["snare808"])
    assert isinstance(display, LineDisplay)
    with display:
        display.update(status(), [hit(1.25, {"osc1.freq": -0.5, "tanh.in_gain": 0.75}), rejected(1.3), hit(2.0)])
        display.update(status(), [])
    first, second = written(target).splitlines()
    assert first == "   1.250 s  -20.5 dB  85.0 st  -70.0 dB  tanh.in_gain +0.75  osc1.freq -0.50"
    assert second.endswith("as the preset")


def test_plain_lines_name_the_track_where_there_are_several() -> None:
    target = console(terminal=False)
    make_display(target, "title", ["left", "right"]).update(status(), [hit(1.0, track=1)])
    assert "  right  " in written(target)


def test_screen_in_a_terminal() -> None:
    target = console(terminal=True)
    display = make_display(target, "the title", ["snare808"])
    assert isinstance(display, LiveDisplay)
    with display:
        for i in range(20):
            display.update(status(hits=[i]), [hit(float(i))])
    text = written(target)
    assert "the title" in text
    assert "19.000 s" in text
    assert "hits 19" in text


def test_screen_is_redrawn_no_more_often_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    display = LiveDisplay(console(terminal=True), "title", ["snare808"])
    monkeypatch.setattr("remapd.demo.display.draw", lambda *arguments: drawn.append(arguments) or "")
    monkeypatch.setattr("remapd.demo.display.time.monotonic", lambda: 100.0)
    with display:
        before = len(drawn)
        for _ in range(50):
            display.update(status(), [])
        during = len(drawn) - before
    assert during == 1


def test_every_parameter_has_a_bar() -> None:
    event = hit(1.0, {name: (-1.0) ** i for i, name in enumerate(NAMES)})
    lines = draw("title", ["snare808"], status(), [event], BLOCKS, (120, 40)).plain.splitlines()
    for i, name in enumerate(NAMES):
        line = next(line for line in lines if name in line)
        assert ("│██████████ +1.00" if i % 2 == 0 else "██████████│·········· -1.00") in line


def test_bars_reach_as_far_as_the_modulation_of_late() -> None:
    strong, weak = hit(1.0, {"osc1.freq": 0.18}), hit(2.0, {"osc1.freq": -0.05})
    text = draw("title", ["snare808"], status(), [weak], BLOCKS, (120, 40)).plain
    assert "full bar 0.05" in text
    assert "██████████│·········· -0.05" in text
    text = draw("title", ["snare808"], status(), [strong, weak], BLOCKS, (120, 40)).plain
    assert "full bar 0.2" in text
    assert "·······███" not in text
    assert "········██│·········· -0.05" in text


@given(
    count=st.integers(0, 40),
    columns=st.integers(80, 200),
    rows=st.integers(12, 60),
    tracks=st.sampled_from([["a"], ["left drum", "right"]]),
)
def test_screen_is_never_wider_than_the_terminal(count: int, columns: int, rows: int, tracks: list[str]) -> None:
    hits = [hit(0.1 * i, dict.fromkeys(NAMES, -1.0), track=i % len(tracks)) for i in range(count)]
    peaks = status(track_peak_db=[-120.0] * len(tracks), limiter_db=-3.0)
    lines = draw("title", tracks, peaks, hits, BLOCKS, (columns, rows)).plain.splitlines()
    meters = [line for line in lines if "rejected" not in line]
    assert max(map(len, meters)) <= columns
    if rows >= 30:
        assert len(lines) <= rows


@pytest.mark.parametrize(("level_db", "filled"), [(-200.0, 0), (-60.0, 0), (-30.0, 20), (0.0, 40), (12.0, 40)])
def test_level_bar(level_db: float, filled: int) -> None:
    assert BLOCKS.level(level_db) == "█" * filled + "·" * (40 - filled)


def test_bars_do_without_block_characters_where_the_terminal_lacks_them() -> None:
    ascii_bars = Bars.for_encoding("ascii")
    assert ascii_bars.modulation(0.5) == "..........|#####....."
    assert ascii_bars.modulation(-0.5) == ".....#####|.........."
    assert Bars.for_encoding("no such encoding") == ascii_bars
