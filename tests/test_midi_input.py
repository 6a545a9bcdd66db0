"""From the reader's lines to the controller; the reader is a stand-in, the controller is the real one."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.control.midi.desk import Desk, Pick
from remapd.control.midi.messages import LARGEST_NUMBER
from remapd.control.midi.service import MidiInput
from remapd.errors import FieldError, ModelError
from tests.controllers import make_controller
from tests.midi_wire import FakeReader
from tests.test_controller import Ear, in_loop

GAIN, MUTE, PRESET, MODEL = "/track/1/gain_db", "/track/1/mute", "/track/1/preset", "/track/1/model"
SNARES = {"/track/1/model": "snare_1"}


class Rig:
    """MIDI in on a real controller."""

    def __init__(self, values=None, sessions=None, **settings):
        self.controller = make_controller(values=values)
        self.news = asyncio.Queue()
        self.controller_news = self.controller_bulletin()
        self.midi = MidiInput(
            self.controller, self.controller_news, sessions=sessions, make_reader=self._make, **settings
        )

    def controller_bulletin(self):
        bulletin = self.controller._bulletin
        bulletin.subscribe(lambda kind, data: self.news.put_nowait((kind, data)))
        return bulletin

    def _make(self, hear):
        self.reader = FakeReader(hear)
        return self.reader

    def map(self, path, kind="cc", number=20, **more):
        source = {"kind": kind, "number": number, **more.pop("source", {})}
        return self.midi.mappings.add({"path": path, "source": source, **more})

    async def news_of(self, kind):
        while True:
            found, data = await asyncio.wait_for(self.news.get(), 10.0)
            if found == kind:
                return data

    async def __aenter__(self):
        await self.midi.start()
        return self

    async def __aexit__(self, *_):
        await self.midi.stop()
        await self.midi.stop()


@in_loop
async def test_a_knob_changes_the_controller_and_everybody_is_told():
    async with Rig() as rig:
        rig.map(GAIN)
        ear = Ear(rig.controller)
        rig.reader.send((0xB0, 20, 127))
        top = rig.controller.tree[GAIN].maximum
        assert rig.controller.value(GAIN) == top
        assert await ear.next() == {GAIN: top}


@in_loop
async def test_many_movements_that_come_together_are_one_change():
    async with Rig() as rig:
        rig.map(GAIN)
        rig.map("/track/1/pan", number=21)
        before = rig.controller.revision
        rig.reader.send(*[(0xB0, 20 + n % 2, n) for n in range(128)])
        assert rig.controller.revision == before + 1
        assert rig.controller.value("/track/1/pan") == rig.controller.tree["/track/1/pan"].maximum
        assert rig.midi.counts == {"messages": 128, "ignored": 0, "changes": 1, "refused": 0, "overflows": 0}


@in_loop
async def test_a_coarse_half_alone_arrives_a_moment_later():
    async with Rig() as rig:
        rig.map(GAIN, "cc14", 7)
        ear = Ear(rig.controller)
        rig.reader.send((0xB0, 7, 127))
        assert rig.controller.value(GAIN) == 0.0
        assert await ear.next() == {GAIN: rig.controller.tree[GAIN].maximum}


@in_loop
async def test_two_toggles_in_one_batch_are_seen_one_after_the_other():
    async with Rig() as rig:
        rig.map(MUTE, "note", 5)
        press = [(0x90, 5, 99), (0x80, 5, 0)]
        rig.reader.send(*press, *press)
        assert rig.controller.value(MUTE) is False
        rig.reader.send(*press)
        assert rig.controller.value(MUTE) is True


@in_loop
async def test_panic_comes_after_what_was_moved_before_it():
    async with Rig() as rig:
        rig.map(GAIN)
        rig.map("/panic", "note", 5)
        seen = []
        rig.controller._bulletin.subscribe(lambda kind, data: seen.append((kind, rig.controller.value(GAIN))))
        rig.reader.send((0xB0, 20, 127), (0x90, 5, 99))
        assert seen == [("action", rig.controller.tree[GAIN].maximum)]


@in_loop
async def test_a_foot_switch_pressed_twice_at_once_goes_two_further():
    async with Rig() as rig:
        names = ["velocity", "snare_1", "kick_long"]
        rig.map(MODEL, "note", 5, names=names)
        ear = Ear(rig.controller, wants=lambda path: path == MODEL)
        rig.reader.send((0x90, 5, 99), (0x80, 5, 0), (0x90, 5, 99))
        assert await ear.next() == {MODEL: "kick_long"}


@in_loop
async def test_a_program_chooses_a_model_and_only_the_last_of_many_is_loaded():
    async with Rig() as rig:
        names = [n for n in rig.controller.choices(MODEL) if n != "velocity"][:4]
        rig.map(MODEL, "program", 0, names=names)
        loaded, model = [], rig.controller._sounds.model
        rig.controller._sounds.model = lambda name: loaded.append(name) or model(name)
        ear = Ear(rig.controller, wants=lambda path: path == MODEL)
        rig.reader.send(*[(0xC0, n) for n in range(4)])
        while rig.controller.value(MODEL) != names[3]:
            await ear.next()
        assert loaded == [names[3]]


@in_loop
async def test_a_program_beyond_the_list_changes_nothing():
    async with Rig() as rig:
        rig.map(MODEL, "program", 0, names=["snare_1"])
        rig.map(MUTE, "note", 5)
        rig.reader.send((0xC0, 1), (0x90, 5, 99))
        while rig.midi._desk._worker is not None:
            await asyncio.sleep(0)
        assert (rig.controller.value(MODEL), rig.controller.value(MUTE)) == ("velocity", True)


@in_loop
async def test_a_foot_switch_walks_through_presets():
    async with Rig(SNARES) as rig:
        names = rig.controller.choices(PRESET)[:2]
        rig.map(PRESET, "cc", 64, names=names)
        ear = Ear(rig.controller, wants=lambda path: path == PRESET)
        for expected in (names[0], names[1], names[0]):
            before = rig.controller.value(PRESET)
            rig.reader.send((0xB0, 64, 127), (0xB0, 64, 0))
            while rig.controller.value(PRESET) != expected:
                assert rig.controller.value(PRESET) == before
                await ear.next()


@in_loop
async def test_a_name_that_is_gone_is_counted_and_nothing_else_happens():
    async with Rig() as rig:
        rig.map(MODEL, "program", 0, names=["gone", "snare_1"])
        rig.reader.send((0xC0, 0))
        while rig.midi.counts["refused"] == 0:
            await asyncio.sleep(0.001)
        ear = Ear(rig.controller, wants=lambda path: path == MODEL)
        rig.reader.send((0xC0, 1))
        assert await ear.next() == {MODEL: "snare_1"}


class Shelf:
    """Two sessions; the second has mappings of its own, none of which loads another."""

    def __init__(self):
        self.controller, self.loaded, self.done = None, [], asyncio.Event()

    async def names(self):
        return ["one", "two"]

    async def load(self, name):
        if name == "broken":
            raise ModelError("session 'broken' is damaged")
        self.loaded.append(name)
        self.controller.sections["midi"].restore([{"path": GAIN, "source": {"kind": "cc", "number": 1}}])
        self.done.set()


@in_loop
async def test_programs_load_sessions_and_can_load_the_next_one():
    shelf = Shelf()
    async with Rig(sessions=shelf) as rig:
        shelf.controller = rig.controller
        rig.map("session", "program", 0, id="1")
        for name in ("two", "one"):
            shelf.done.clear()
            rig.reader.send((0xC0, ["one", "two"].index(name)))
            await asyncio.wait_for(shelf.done.wait(), 5.0)
            await asyncio.sleep(0)
        assert shelf.loaded == ["two", "one"]
        assert sorted(m.path for m in rig.midi.mappings) == [GAIN, "session"]


@in_loop
async def test_a_session_that_cannot_be_loaded_is_counted():
    async with Rig(sessions=Shelf()) as rig:
        rig.map("session", "program", 0, names=["broken"])
        rig.reader.send((0xC0, 0))
        while rig.midi.counts["refused"] == 0:
            await asyncio.sleep(0.001)


@in_loop
async def test_without_sessions_none_can_be_loaded():
    refused = []
    desk = Desk(make_controller(), None, refused.append)
    desk.pick("session", Pick((), 0))
    await desk._worker
    assert refused == ["session: expected a daemon that keeps sessions, got none"]


@in_loop
async def test_a_value_that_no_longer_fits_does_not_take_others_with_it():
    controller, refused = make_controller(), []
    desk = Desk(controller, None, refused.append)
    desk.put("/track/9/gain_db", 1.0)
    desk.put(GAIN, 1.0)
    desk.flush()
    assert (controller.value(GAIN), len(refused)) == (1.0, 1)


@in_loop
async def test_mappings_rest_and_return_with_their_track():
    async with Rig({**SNARES, "/track/2/model": "kick_long"}) as rig:
        one = rig.map("/track/2/gain_db")
        assert rig.midi.is_active(one.id)
        await rig.controller.remove_track(2)
        assert not rig.midi.is_active(one.id)
        rig.reader.send((0xB0, 20, 127))
        await rig.controller.add_track({"model": "snare_1"})
        assert rig.midi.is_active(one.id)
        rig.reader.send((0xB0, 20, 0))
        assert rig.controller.value("/track/2/gain_db") == rig.controller.tree["/track/2/gain_db"].minimum


@in_loop
async def test_mappings_are_part_of_the_session():
    async with Rig() as rig:
        changes = []
        rig.midi.on_change.append(lambda: changes.append(1))
        rig.map(GAIN)
        document = rig.controller.session()
        assert [m["path"] for m in document["midi"]] == [GAIN]
        rig.midi.mappings.remove("1")
        await rig.controller.restore(document)
        rig.reader.send((0xB0, 20, 127))
        assert rig.controller.value(GAIN) == rig.controller.tree[GAIN].maximum
        assert len(changes) == 3


# -- learning --------------------------------------------------------------------------------------------------------


@in_loop
async def test_the_knob_that_moves_is_learnt_and_then_moves_the_control():
    async with Rig() as rig:
        rig.map(GAIN, number=99)
        rig.midi.learning.begin({"path": GAIN, "minimum": -6, "maximum": 0})
        assert await rig.news_of("midi_learn") == {"state": "waiting", "path": GAIN}
        assert rig.midi.learning.document()["waiting"] is True
        rig.reader.send((0xB4, 70, 127))
        news = await rig.news_of("midi_learn")
        assert (news["state"], news["mapping"]["source"]) == (
            "learnt", {"kind": "cc", "number": 70, "channel": 5, "port": "desk", "bank": None}
        )  # fmt: skip
        assert rig.controller.value(GAIN) == 0.0
        rig.reader.send((0xB4, 70, 0))
        assert rig.controller.value(GAIN) == -6.0
        assert len(rig.midi.mappings) == 1


@in_loop
async def test_a_knob_below_64_is_learnt_when_no_fine_half_comes():
    async with Rig() as rig:
        rig.midi.learning.begin({"path": GAIN})
        rig.reader.send((0xB0, 7, 100))
        await rig.news_of("midi_learn")
        assert (await rig.news_of("midi_learn"))["mapping"]["source"]["kind"] == "cc"
        rig.midi.learning.begin({"path": GAIN}, instead=False)
        rig.reader.send((0xB0, 7, 100), (0xB0, 39, 1))
        await rig.news_of("midi_learn")
        assert (await rig.news_of("midi_learn"))["mapping"]["source"]["kind"] == "cc14"
        assert len(rig.midi.mappings) == 2


@in_loop
async def test_programs_learnt_for_all_presets_count_from_0_and_for_some_from_the_one_that_came():
    async with Rig() as rig:
        for names, first in (([], 0), (["snare_1"], 5)):
            rig.midi.learning.begin({"path": MODEL, "names": names})
            rig.reader.send((0xC0, 5))
            (learnt,) = rig.midi.mappings
            assert (learnt.source.kind, learnt.source.number) == ("program", first)


@in_loop
async def test_learning_ends_by_time_by_hand_and_by_another():
    async with Rig() as rig:
        states = []

        def begin(path, timeout_s=1.0):
            rig.midi.learning.begin({"path": path}, timeout_s=timeout_s)

        begin(GAIN)
        begin(MUTE)
        assert rig.midi.learning.cancel() is True
        assert rig.midi.learning.cancel() is False
        begin(GAIN)
        while len(states) < 6:
            news = await rig.news_of("midi_learn")
            states.append((news["state"], news["path"]))
        assert states == [
            ("waiting", GAIN), ("cancelled", GAIN), ("waiting", MUTE), ("cancelled", MUTE),
            ("waiting", GAIN), ("timed_out", GAIN),
        ]  # fmt: skip
        assert rig.midi.learning.document() == {"waiting": False, "path": None, "remaining_s": 0.0}


@pytest.mark.parametrize(
    "document", [{"path": "/device/input"}, {"path": "/nothing"}, {"path": GAIN, "minimum": 99}, {}]
)
def test_what_cannot_be_learnt_is_refused_at_once(document):
    async def refuse():
        async with Rig() as rig:
            with pytest.raises(FieldError):
                rig.midi.learning.begin(document)
            assert not rig.midi.learning.is_waiting

    asyncio.run(refuse())


@in_loop
async def test_a_track_that_goes_while_it_is_learnt_for_ends_it_plainly():
    async with Rig({**SNARES, "/track/2/model": "kick_long"}) as rig:
        rig.midi.learning.begin({"path": "/track/2/gain_db"})
        await rig.controller.remove_track(2)
        rig.reader.send((0xB0, 70, 1))
        await rig.news_of("midi_learn")
        assert (await rig.news_of("midi_learn"))["state"] == "refused"


# -- ports -----------------------------------------------------------------------------------------------------------


@in_loop
async def test_ports_are_shown_and_told():
    async with Rig(ports=["desk"]) as rig:
        rig.reader.ports("remapd", "desk:1", available=["desk:1", "x"], faults={"y": "busy"})
        assert await rig.news_of("midi") == {"interface": "JACK", "open": ["remapd", "desk:1"], "fault": ""}
        assert (rig.midi.ports.wanted, rig.midi.ports.available) == (["desk"], ["desk:1", "x"])
        rig.reader.hear({"fault": "the JACK server ended"})
        rig.reader.hear({"ended": 3})
        assert await rig.news_of("midi") == {"interface": "", "open": [], "fault": "the JACK server ended"}
        assert rig.midi.ports.open == []


@in_loop
async def test_half_a_message_of_a_port_that_went_is_forgotten():
    async with Rig() as rig:
        rig.map(GAIN, "cc14", 7)
        rig.reader.ports("desk")
        rig.reader.send((0xB0, 7, 127))
        rig.reader.ports()
        rig.reader.ports("desk")
        rig.reader.send((0xB0, 39, 127))
        assert rig.controller.value(GAIN) == 0.0


@in_loop
async def test_an_overflow_is_counted():
    async with Rig() as rig:
        rig.reader.hear({"port": "desk", "overflow": True})
        assert rig.midi.counts["overflows"] == 1


@in_loop
async def test_switched_off_nothing_is_read_but_mappings_can_be_made():
    async with Rig(enabled=False) as rig:
        assert rig.reader.running is False
        rig.map(GAIN)
    async with Rig() as rig:
        assert rig.reader.running is True
    assert rig.reader.running is False


# -- anything at all -------------------------------------------------------------------------------------------------

BYTES = st.binary(max_size=4) | st.tuples(st.integers(0x80, 0xEF), st.integers(0, 127), st.integers(0, 127)).map(bytes)
TARGETS = [GAIN, MUTE, "/panic", "/track/1/onset/hold_ms", "/track/1/solo"]
SOURCES = [(kind, number) for kind in LARGEST_NUMBER for number in (0, 1, 7) if number <= LARGEST_NUMBER[kind]]


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(TARGETS), st.sampled_from(SOURCES), st.booleans()), max_size=6),
    st.lists(st.lists(BYTES, max_size=20), max_size=8),
    st.sampled_from([None, *TARGETS]),
)
def test_whatever_comes_the_values_fit_and_the_service_goes_on(given_mappings, lines, learns):
    async def play():
        async with Rig() as rig:
            for path, (kind, number), picks_up in given_mappings:
                rig.map(path, kind, number, pick_up=picks_up)
            if learns:
                rig.midi.learning.begin({"path": learns})
            for line in lines:
                rig.reader.send(*line)
            while rig.midi._decoder.due_s is not None:
                await asyncio.sleep(0.001)
            for path, value in rig.controller.values().items():
                assert rig.controller.tree[path].check(value) == value
            assert rig.midi.counts["refused"] == 0
            rig.midi.learning.cancel()
            rig.midi.mappings.replace([{"path": "/track/1/pan", "source": {"kind": "pitch_bend"}}])
            rig.reader.send((0xE0, 127, 127))
            assert rig.controller.value("/track/1/pan") == 1.0

    asyncio.run(play())
