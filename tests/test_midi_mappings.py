"""What mappings say, what they fit, and what their bindings do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.control.midi.bindings import bind
from remapd.control.midi.desk import Pick
from remapd.control.midi.mapper import Mapper
from remapd.control.midi.mapping_document import MAX_NAMES, parse_mapping
from remapd.control.midi.mapping_list import MAX_MAPPINGS, MappingList
from remapd.control.midi.messages import LARGEST_NUMBER, Movement
from remapd.control.tree import build_tree
from remapd.errors import FieldError, NotFoundError, TooLargeError

TREE = build_tree(["snare808", "kick808"])
GAIN, FREQ, MUTE, PRESET = "/track/1/gain_db", "/track/1/synth/osc1/freq", "/track/1/mute", "/track/1/preset"
CHANGEABLE = [path for path, control in TREE.items() if control.midi]


class PaperDesk:
    """A desk that writes down what is asked of it."""

    def __init__(self, **values):
        self.values = {path: c.default for path, c in TREE.items() if c.kind != "action"} | values
        self.triggered, self.picks = [], []

    def value(self, path):
        return self.values[path]

    def put(self, path, value):
        self.values[path] = TREE[path].check(value)

    def trigger(self, path):
        self.triggered.append(path)

    def pick(self, path, pick):
        self.picks.append((path, pick))


def mapping(path, kind="cc", number=20, **more):
    source = {"kind": kind, "number": number, **more.pop("source", {})}
    return parse_mapping({"id": "1", "path": path, "source": source, **more}, "mapping")


def moved(position, kind="cc", number=20, channel=1, **more):
    return Movement(kind, channel, number, position, **more)


def play(one, desk, *movements):
    binding = bind(one, TREE)
    for movement in movements:
        binding.act(movement, desk)
    return desk


# -- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [p for p in CHANGEABLE if TREE[p].kind in ("number", "whole")][:60])
def test_a_knob_runs_through_the_whole_range_with_the_curve_of_the_control(path):
    control, desk = TREE[path], PaperDesk()
    for position in (0.0, 0.3, 1.0):
        play(mapping(path), desk, moved(position))
        assert desk.value(path) == pytest.approx(control.from_position(position))
    assert desk.value(path) == control.maximum


def test_a_part_of_the_range_the_other_way_round():
    desk = PaperDesk()
    one = mapping(GAIN, minimum=-12, maximum=0, invert=True)
    found = [play(one, desk, moved(p)).value(GAIN) for p in (0.0, 0.5, 1.0)]
    assert found == pytest.approx([0.0, -6.0, -12.0])


def test_curves():
    desk = PaperDesk()
    low, high = 100.0, 400.0
    middle = [
        play(mapping(FREQ, minimum=low, maximum=high, curve=c), desk, moved(0.5)).value(FREQ) for c in ("log", "linear")
    ]
    assert middle == pytest.approx([math.sqrt(low * high), (low + high) / 2])


def test_a_knob_that_jumps_does_so_at_once():
    assert play(mapping(GAIN), PaperDesk(), moved(1.0)).value(GAIN) == TREE[GAIN].maximum


def test_a_knob_picks_up_where_the_control_is():
    desk = PaperDesk()
    here = TREE[GAIN].to_position(0.0)
    binding = bind(mapping(GAIN, pick_up=True), TREE)
    for position in (0.1, 0.3, here - 0.1):
        binding.act(moved(position), desk)
        assert desk.value(GAIN) == 0.0
    binding.act(moved(here + 0.2), desk)
    assert desk.value(GAIN) == pytest.approx(TREE[GAIN].from_position(here + 0.2))
    binding.act(moved(0.0), desk)
    assert desk.value(GAIN) == TREE[GAIN].minimum


def test_a_knob_lets_go_when_something_else_moves_the_control():
    desk = PaperDesk()
    binding = bind(mapping(GAIN, pick_up=True), TREE)
    binding.act(moved(TREE[GAIN].to_position(0.0)), desk)
    binding.act(moved(0.9), desk)
    desk.put(GAIN, -40.0)
    binding.act(moved(0.91), desk)
    assert desk.value(GAIN) == -40.0
    binding.act(moved(0.0), desk)
    assert desk.value(GAIN) == TREE[GAIN].minimum


def test_a_control_that_went_and_came_back_must_be_met_again():
    desk = PaperDesk()
    binding = bind(mapping(GAIN, pick_up=True), TREE)
    binding.act(moved(TREE[GAIN].to_position(0.0)), desk)
    binding.act(moved(0.5), desk)
    written = desk.value(GAIN)
    desk.put(GAIN, -50.0)
    binding.act(moved(0.9), desk)
    desk.put(GAIN, written)
    binding.act(moved(0.8), desk)
    assert desk.value(GAIN) == written


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
def test_picking_up_never_jumps(positions, start):
    desk = PaperDesk(**{GAIN: TREE[GAIN].from_position(start)})
    binding = bind(mapping(GAIN, pick_up=True), TREE)
    before, here = None, start
    for position in positions:
        binding.act(moved(position), desk)
        now = TREE[GAIN].to_position(desk.value(GAIN))
        if now != pytest.approx(here, abs=1e-9):  # It moved, no further than the knob did.
            assert before is None or abs(now - here) <= abs(position - before) + 0.012 + 1e-9
            assert before is not None or abs(now - here) <= 0.012
            assert now == pytest.approx(position, abs=1e-9)
        before, here = position, now


def test_increments_move_in_steps():
    desk = PaperDesk()
    here = TREE[GAIN].to_position(0.0)
    play(mapping(GAIN, "nrpn", 9), desk, moved(0.0, "nrpn", 9, steps=1))
    assert TREE[GAIN].to_position(desk.value(GAIN)) == pytest.approx(here + 1 / 127)
    play(mapping(GAIN, "nrpn", 9, invert=True), desk, moved(0.0, "nrpn", 9, steps=1))
    assert desk.value(GAIN) == pytest.approx(0.0)


def test_a_button_runs_to_an_end():
    desk = PaperDesk()
    on, off = moved(1.0, "note", 5), moved(0.0, "note", 5)
    toggle = mapping(GAIN, "note", 5, minimum=-10, maximum=5)
    assert play(toggle, desk, on, off).value(GAIN) == -10
    assert play(toggle, desk, on, off).value(GAIN) == 5
    held = mapping(GAIN, "note", 5, minimum=-10, maximum=2, press="momentary")
    assert play(held, desk, on).value(GAIN) == 2
    assert play(held, desk, off).value(GAIN) == -10


# -- switches, actions, names ----------------------------------------------------------------------------------------


def test_a_note_toggles_a_switch_at_each_press():
    desk = PaperDesk()
    press = [moved(1.0, "note", 5), moved(0.0, "note", 5)]
    assert play(mapping(MUTE, "note", 5), desk, *press).value(MUTE) is True
    assert play(mapping(MUTE, "note", 5), desk, *press, *press).value(MUTE) is True
    assert play(mapping(MUTE, "note", 5), desk, *press).value(MUTE) is False


@pytest.mark.parametrize("invert", [False, True])
def test_a_held_button_holds_a_switch(invert):
    one, desk = mapping(MUTE, "note", 5, press="momentary", invert=invert), PaperDesk()
    assert play(one, desk, moved(1.0, "note", 5)).value(MUTE) is not invert
    assert play(one, desk, moved(0.0, "note", 5)).value(MUTE) is invert


def test_a_controller_follows_on_a_switch_and_a_trembling_one_does_not_chatter():
    binding, desk = bind(mapping(MUTE), TREE), PaperDesk()
    seen = []
    for position in (0.0, 0.5, 0.54, 0.6, 0.5, 0.46, 0.54, 0.4):
        binding.act(moved(position), desk)
        seen.append(desk.value(MUTE))
    assert seen == [False, False, False, True, True, True, True, False]


def test_an_action_is_done_at_each_press():
    press = [moved(1.0), moved(1.0), moved(0.0), moved(1.0)]
    assert play(mapping("/panic"), PaperDesk(), *press).triggered == ["/panic"] * 2
    note = [moved(1.0, "note", 5), moved(0.0, "note", 5)]
    assert play(mapping("/panic", "note", 5), PaperDesk(), *note).triggered == ["/panic"]
    assert play(mapping("/panic", "program", 7), PaperDesk(), moved(1.0, "program", 7)).triggered == ["/panic"]


def test_a_program_picks_by_its_number():
    names = ["one", "two"]
    desk = play(
        mapping(PRESET, "program", 10, names=names), PaperDesk(), *(moved(1.0, "program", n) for n in (9, 10, 11))
    )
    assert desk.picks == [(PRESET, Pick(("one", "two"), 0)), (PRESET, Pick(("one", "two"), 1))]


def test_a_foot_switch_picks_the_next():
    desk = play(mapping("session", "cc", 64), PaperDesk(), moved(1.0, "cc", 64), moved(0.0, "cc", 64))
    assert desk.picks == [("session", Pick((), None, 1))]
    desk = play(mapping("session", "note", 3, invert=True), PaperDesk(), moved(1.0, "note", 3), moved(0.0, "note", 3))
    assert desk.picks == [("session", Pick((), None, -1))]


def test_picks_among_names():
    names = ["a", "b", "c"]
    assert [Pick((), i).among(names, "a") for i in (0, 2, 3)] == ["a", "c", None]
    assert [Pick((), None, s).among(names, "c") for s in (1, -1, 4)] == ["a", "b", "a"]
    assert Pick((), None, 1).among(names, "elsewhere") == "a"
    assert Pick((), None, 1).among([], "a") is None


def test_wishes_that_come_together_add_up():
    assert Pick((), None, 1).after(Pick((), None, 1)) == Pick((), None, 2)
    assert Pick((), None, 1).after(Pick((), 5)) == Pick((), 5, 1)
    assert Pick((), 2).after(Pick((), None, 1)) == Pick((), 2)
    assert Pick(("a",), None, 1).after(Pick((), None, 1)) == Pick(("a",), None, 1)


# -- which movements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "movement", "is_heard"),
    [
        ({}, moved(1.0, channel=5), True),
        ({"channel": 5}, moved(1.0, channel=5), True),
        ({"channel": 4}, moved(1.0, channel=5), False),
        ({"port": "NANO"}, moved(1.0, port="nanoKONTROL2 MIDI 1"), True),
        ({"port": "nano"}, moved(1.0, port="other"), False),
        ({}, moved(1.0, number=21), False),
        ({}, moved(1.0, "cc14"), False),
    ],
)
def test_who_is_heard(source, movement, is_heard):
    mapper, desk = Mapper(lambda: TREE), PaperDesk()
    mapper.rebind([mapping(GAIN, source=source)])
    assert mapper.act(movement, desk) is is_heard
    assert (desk.value(GAIN) != 0.0) is is_heard


@pytest.mark.parametrize(("bank", "is_heard"), [(None, True), (3, True), (4, False)])
def test_programs_of_a_bank(bank, is_heard):
    mapper = Mapper(lambda: TREE)
    mapper.rebind([mapping(PRESET, "program", 0, source={"bank": bank})])
    assert mapper.act(moved(1.0, "program", 17, bank=3), PaperDesk()) is is_heard


def test_one_knob_for_two_controls():
    mapper, desk = Mapper(lambda: TREE), PaperDesk()
    mapper.rebind([mapping(GAIN), mapping("/track/2/gain_db", id="2", invert=True)])
    mapper.act(moved(1.0), desk)
    assert (desk.value(GAIN), desk.value("/track/2/gain_db")) == (TREE[GAIN].maximum, TREE[GAIN].minimum)


def test_a_mapping_rests_while_its_control_is_gone():
    trees = [TREE]
    one = mapping("/track/2/gain_db")
    mapper = Mapper(lambda: trees[-1])
    for tree, is_bound in ((TREE, True), (build_tree(["snare808"]), False), (TREE, True)):
        trees.append(tree)
        mapper.rebind([one])
        assert mapper.is_bound(one) is is_bound
        assert mapper.act(moved(1.0), PaperDesk()) is is_bound


def test_knobs_keep_their_hold_when_other_mappings_change():
    mapper, desk, one = Mapper(lambda: TREE), PaperDesk(), mapping(GAIN, pick_up=True)
    mapper.rebind([one])
    mapper.act(moved(TREE[GAIN].to_position(0.0)), desk)
    mapper.rebind([one, mapping(MUTE, "note", 5, id="2")])
    mapper.act(moved(1.0), desk)
    assert desk.value(GAIN) == TREE[GAIN].maximum


# -- documents -------------------------------------------------------------------------------------------------------


@st.composite
def documents(draw):
    """Mappings that fit their control."""
    path = draw(st.sampled_from([*CHANGEABLE, "session"]))
    kind = draw(st.sampled_from(list(LARGEST_NUMBER)))
    source = {"kind": kind, "number": draw(st.integers(0, LARGEST_NUMBER[kind])), "channel": draw(st.integers(0, 16))}
    document = {"path": path, "source": source, "invert": draw(st.booleans()), "pick_up": draw(st.booleans())}
    control = None if path == "session" else TREE[path]
    if control is not None and control.kind in ("number", "whole") and draw(st.booleans()):
        ends = sorted([control.from_position(draw(st.floats(0, 0.4))), control.from_position(draw(st.floats(0.6, 1)))])
        document |= {"minimum": ends[0], "maximum": ends[1]}
    return document


@given(st.lists(documents(), max_size=8))
def test_what_fits_survives_a_round_trip(given_documents):
    mappings, again = MappingList(lambda: TREE), MappingList(lambda: TREE)
    mappings.replace(given_documents)
    again.restore(mappings.document())
    assert again.document() == mappings.document()
    again.replace(again.document())


@given(
    st.lists(documents(), max_size=6),
    st.lists(
        st.tuples(st.sampled_from(list(LARGEST_NUMBER)), st.integers(0, 127), st.floats(0, 1), st.integers(-1, 1)),
        max_size=30,
    ),
)
def test_whatever_moves_the_values_fit_their_controls(given_documents, movements):
    mappings, mapper, desk = MappingList(lambda: TREE), Mapper(lambda: TREE), PaperDesk()
    mappings.replace(given_documents)
    mapper.rebind(mappings)
    for document in mappings.document():
        source = document["source"]
        mapper.act(Movement(source["kind"], source["channel"] or 1, source["number"], 1.0), desk)
    for kind, number, position, steps in movements:
        mapper.act(Movement(kind, 1, number, position, steps), desk)  # The desk checks each value.


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
MEMBERS = ["id", "path", "source", "minimum", "maximum", "invert", "curve", "pick_up", "press", "names"]
SOURCE = st.fixed_dictionaries(
    {"kind": st.sampled_from(list(LARGEST_NUMBER))}, optional=dict.fromkeys(("number", "channel", "port", "bank"), JSON)
)


@given(
    JSON
    | st.lists(
        JSON | st.dictionaries(st.sampled_from(MEMBERS), JSON | SOURCE | st.sampled_from([GAIN, "session"])), max_size=3
    )
)
def test_any_json_is_taken_or_refused_by_its_field(document):
    for take in (MappingList(lambda: TREE).restore, MappingList(lambda: TREE).replace):
        refusal = refused(take, document)
        assert refusal is None or refusal.field


def refused(take, document):
    try:
        take(document)
    except FieldError as error:
        return error
    return None


GOOD = {"path": GAIN, "source": {"kind": "cc", "number": 7}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"path": "/track/1/gain"}, "/track/1/gain"),
        ({"path": "/device/block_size"}, "mapping.path"),
        ({"path": 5}, "mapping.path"),
        ({"source": {"number": 7}}, "mapping.source.kind"),
        ({"source": {"kind": "cc", "number": 120}}, "mapping.source.number"),
        ({"source": {"kind": "knob"}}, "mapping.source.kind"),
        ({"source": {"kind": "cc", "channel": 17}}, "mapping.source.channel"),
        ({"source": {"kind": "cc", "bank": 1}}, "mapping.source.bank"),
        ({"source": {"kind": "pressure", "number": 1}}, "mapping.source.number"),
        ({"source": {"kind": "cc", "port": "a\nb"}}, "mapping.source.port"),
        ({"minimum": -99}, "mapping.minimum"),
        ({"minimum": 3, "maximum": 3}, "mapping.maximum"),
        ({"curve": "log"}, "mapping.curve"),
        ({"curve": "square"}, "mapping.curve"),
        ({"invert": 1}, "mapping.invert"),
        ({"press": "hold"}, "mapping.press"),
        ({"names": ["x"]}, "mapping.names"),
        ({"names": ["../x"], "path": PRESET}, "mapping.names[0]"),
        ({"names": ["x"] * (MAX_NAMES + 1)}, "mapping.names"),
        ({"minimum": 0, "path": MUTE}, "mapping.minimum"),
        ({"press": "momentary", "source": {"kind": "program"}, "path": PRESET}, "mapping.press"),
        ({"maximun": 3}, "mapping"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_field(change, field):
    mappings = MappingList(lambda: TREE)
    with pytest.raises(FieldError) as caught:
        mappings.add({**GOOD, **change})
    assert caught.value.field == field
    assert len(mappings) == 0


def test_the_list_is_bounded_and_its_names_are_its_own():
    mappings = MappingList(lambda: TREE)
    mappings.add({**GOOD, "id": "2"})
    assert [mappings.add(GOOD).id for _ in range(2)] == ["1", "3"]
    with pytest.raises(FieldError, match="no other mapping"):
        mappings.add({**GOOD, "id": "2"})
    while len(mappings) < MAX_MAPPINGS:
        mappings.add(GOOD)
    with pytest.raises(TooLargeError):
        mappings.add(GOOD)


def test_a_mapping_in_place_of_those_of_its_path():
    mappings = MappingList(lambda: TREE)
    for _ in range(2):
        mappings.add(GOOD)
    mappings.add({**GOOD, "path": MUTE})
    mappings.add(GOOD, instead=True)
    assert sorted(m.path for m in mappings) == [GAIN, MUTE]


def test_removing():
    mappings, calls = [], []
    mappings = MappingList(lambda: TREE, lambda: calls.append(len(mappings)))
    mappings.add(GOOD)
    mappings.remove("1")
    assert calls == [1, 0]
    with pytest.raises(NotFoundError):
        mappings.remove("1")


def test_sessions_may_have_what_is_not_there_but_clients_may_not_add_it():
    mappings = MappingList(lambda: TREE)
    absent = {**GOOD, "path": "/track/7/gain_db"}
    with pytest.raises(FieldError):
        mappings.replace([absent])
    mappings.restore([absent])
    mappings.replace(mappings.document())
    assert [m.path for m in mappings] == ["/track/7/gain_db"]
