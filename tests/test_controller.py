"""The controller on a real shared block and a real engine."""

import asyncio
import functools

import numpy as np
import pytest

from remapd.audio.backend import StreamSettings
from remapd.control.engine_news import EngineNews
from remapd.engine.control import EngineControl, TrackSetup
from remapd.engine.engine import Engine
from remapd.engine.shared import SharedBlock
from remapd.errors import FieldError
from remapd.mapping.bundle import save_model
from remapd.mapping.library import load_model_named
from tests.controllers import Shipped, make_controller
from tests.engines import RATE, hits, hits_of, play
from tests.fake_host import FakeHost


def in_loop(test):
    """Run a test in a loop of its own."""

    @functools.wraps(test)
    def run(*arguments, **fixtures):
        asyncio.run(test(*arguments, **fixtures))

    return run


class Ear:
    """A subscriber that remembers what it was told."""

    def __init__(self, controller, source=None, **options):
        self.heard, self.times, self.more = [], [], asyncio.Event()
        self.subscription = controller.hub.subscribe(self._hear, source, **options)

    def _hear(self, changes):
        self.heard.append(changes)
        self.times.append(asyncio.get_running_loop().time())
        self.more.set()

    async def next(self):
        while not self.heard:
            self.more.clear()
            await asyncio.wait_for(self.more.wait(), 5.0)
        return self.heard.pop(0)


def test_every_control_has_a_value_that_fits_it():
    controller = make_controller(values={"/track/1/model": "snare_1", "/track/2/model": "kick_long"})
    values = controller.values()
    for path, control in controller.tree.items():
        if control.kind != "action":
            assert control.check(values[path]) == values[path]
    assert set(values) == {p for p, c in controller.tree.items() if c.kind != "action"}


@in_loop
async def test_what_is_set_reaches_the_engine_and_is_told():
    controller = make_controller()
    ear, sender = Ear(controller), Ear(controller, source="me")
    changed = controller.set({"/track/1/neurality": 2, "/output_gain_db": -6.0}, source="me")
    assert changed == {"/track/1/neurality": 2.0, "/output_gain_db": -6.0}
    assert controller._engine.parameter(0, "neurality") == 2.0
    assert await ear.next() == changed
    controller.set({"/track/1/neurality": 3.0}, source="you")
    assert await sender.next() == {"/track/1/neurality": 3.0}


@in_loop
async def test_all_or_nothing():
    controller = make_controller()
    before, revision = controller.values(), controller.revision
    with pytest.raises(FieldError, match=r"/track/1/pan: expected a number from -1 to 1, got 2"):
        controller.set({"/track/1/neurality": 2.0, "/track/1/pan": 2})
    with pytest.raises(FieldError, match="did you mean /track/1/neurality"):
        await controller.change({"/track/1/gain_db": -3.0, "/track/1/neuralty": 2.0})
    with pytest.raises(FieldError, match="did you mean"):
        await controller.change({"/track/1/gain_db": -3.0, "/track/1/model": "snare1"})
    with pytest.raises(FieldError, match="name of a model in the library"):
        await controller.change({"/track/1/model": "/etc/passwd"})
    assert (controller.values(), controller.revision) == (before, revision)
    assert controller._engine.parameter(0, "gain_db") == 0.0


def test_a_revision_of_one_start_means_nothing_else_at_the_next(monkeypatch):
    starts = iter([1_800_000_000, 1_800_000_060])
    monkeypatch.setattr("time.time_ns", lambda: next(starts) * 10**9)
    before, after = make_controller(), make_controller()
    for position in range(1000):
        before.set({"/track/1/pan": position / 1000.0})
    assert before.revision < after.revision


@in_loop
async def test_a_burst_becomes_few_messages_with_the_latest_value():
    controller = make_controller()
    ear = Ear(controller, rate_hz=20.0)
    for k in range(1000):
        controller.set({"/track/1/neurality": k / 1000})
    assert await ear.next() == {"/track/1/neurality": 0.999}
    controller.set({"/track/1/neurality": 2.0})
    controller.set({"/track/1/neurality": 3.0})
    assert await ear.next() == {"/track/1/neurality": 3.0}
    assert ear.times[1] - ear.times[0] >= 0.049


@in_loop
async def test_a_model_brings_its_preset_and_what_is_given_besides_holds():
    controller = make_controller()
    sender = Ear(controller, source="me")
    changed = await controller.change({"/track/1/model": "kick_long", "/track/1/gain_db": -3.0}, source="me")
    sound = controller.sound(1)
    assert (sound.model_name, sound.preset_name) == ("kick_long", sound.model.preset.name)
    assert changed["/track/1/gain_db"] == -3.0
    for name, value in zip(sound.preset.table.names, sound.preset.values, strict=True):
        assert controller.value(f"/track/1/synth/{name.replace('.', '/')}") == value
    # The sender hears of what followed from its change, not of the change.
    heard = await sender.next()
    assert "/track/1/preset" in heard
    assert "/track/1/model" not in heard
    assert "/track/1/gain_db" not in heard


@in_loop
async def test_another_synth_changes_the_tree():
    controller = make_controller(values={"/track/1/model": "snare_1"})
    told = []
    controller.hub.on_structure(lambda added, removed: told.append((added, removed)))
    await controller.change({"/track/1/model": "kick_long"})
    ((added, removed),) = told
    assert added
    assert removed
    assert all(path.startswith("/track/1/") for path in added | removed)
    assert set(controller.values()) == {p for p, c in controller.tree.items() if c.kind != "action"}


@in_loop
async def test_a_preset_is_loaded_again_a_playing_model_is_not():
    controller = make_controller(values={"/track/1/model": "snare_1"})
    path = "/track/1/synth/osc1/freq"
    preset = controller.value(path)
    controller.set({path: preset + 10.0})
    await controller.change({"/track/1/model": "snare_1"})
    assert controller.value(path) == preset + 10.0
    await controller.change({"/track/1/preset": controller.value("/track/1/preset")})
    assert controller.value(path) == preset
    with pytest.raises(FieldError, match="a preset of snare808"):
        await controller.change({"/track/1/preset": "kick_long"})


@in_loop
async def test_tracks_come_and_go():
    controller = make_controller(values={"/track/1/model": "snare_1"})
    assert await controller.add_track({"model": "kick_long", "gain_db": -6.0, "input_channel": 2}) == 2
    assert controller._host.stream.input_channels == 2
    assert controller.value("/track/2/gain_db") == -6.0
    await controller.remove_track(1)
    assert controller.tracks == 1
    assert (controller.value("/track/1/model"), controller.value("/track/1/gain_db")) == ("kick_long", -6.0)
    assert "/track/2/model" not in controller.tree
    with pytest.raises(FieldError, match="not the only one"):
        await controller.remove_track(1)
    with pytest.raises(FieldError, match="did you mean"):
        await controller.add_track({"neuralty": 1.0})
    assert controller.tracks == 1


@in_loop
async def test_a_session_comes_back_whole():
    controller = make_controller(values={"/track/1/model": "snare_1", "/track/2/model": "kick_long"})
    controller.set({"/track/1/synth/osc1/freq": 201.0, "/track/2/lock/osc1/freq": True, "/output_gain_db": -9.0})
    session = controller.session()
    other = make_controller()
    await other.restore(session)
    assert other.values() == controller.values()
    assert other.session() == session
    np.testing.assert_array_equal(
        other._engine.shared.record["mailbox"]["track"]["base"][:2],
        controller._engine.shared.record["mailbox"]["track"]["base"][:2],
    )


@in_loop
async def test_a_session_that_does_not_fit_changes_nothing():
    controller = make_controller()
    before = controller.session()
    for document, said in (
        ({"format": 2}, "session.format: expected 1"),
        ({"format": 1, "values": {"/track/1/pan": 7}}, "/track/1/pan"),
        ({"format": 1, "values": {"/track/1/model": "nobody"}}, "nobody"),
        ({"format": 1, "values": {"/track/x/pan": 0}}, "/track/x/pan"),
        ({"format": 1, "values": []}, "session.values"),
        ({"format": 1, "colour": 3}, "colour"),
    ):
        with pytest.raises(FieldError, match=said):
            await controller.restore(document)
    assert controller.session() == before


def test_a_start_replaces_what_does_not_fit_and_says_so():
    controller = make_controller()
    notes = controller.begin({"values": {"/track/1/model": "gone", "/track/1/pan": 9, "/x": 1, "/track/1/gain_db": -5}})
    assert controller.value("/track/1/gain_db") == -5.0
    assert controller.value("/track/1/model") == "snare_1"
    assert len(notes) == 3


@in_loop
async def test_the_device_is_opened_anew_and_falls_back():
    host = FakeHost(StreamSettings(backend="virtual"))
    controller = make_controller(host=host)
    await controller.change({"/device/block_size": 128})
    assert host.stream.block_size == 128
    host.refuses = True
    await controller.change({"/device/block_size": 256})
    controller.device_changed()
    assert controller.value("/device/block_size") == 128
    with pytest.raises(FieldError, match="/device/sample_rate_hz"):
        await controller.change({"/device/sample_rate_hz": 100.0})


SWAP_FRAMES = 4800


def played(models, source):
    """Output and hits of an engine whose model is swapped every 100 ms, from one to the next of `models`."""
    sounds = Shipped()
    sounds.extra = {f"model {k}": model for k, model in enumerate(models)}
    engine = Engine(RATE, 1, 2, [TrackSetup(models[0])])
    controller = make_controller(EngineControl(engine.shared), sounds=sounds, values={"/track/1/model": "model 0"})

    async def swapping():
        heard = []
        for number, start in enumerate(range(0, len(source), SWAP_FRAMES)):
            await controller.change({"/track/1/model": f"model {number % len(models)}"})
            heard.append(play(engine, source[start : start + SWAP_FRAMES], 64))
        return np.concatenate(heard)

    return asyncio.run(swapping()), hits_of(engine)


def test_a_swap_of_models_changes_no_sample_of_what_sounds():
    source = hits([0.2, 0.43, 0.5, 0.8], 1.3)
    kept, _ = played([load_model_named("snare_1")], source)
    swapped, _ = played([load_model_named("snare_1"), load_model_named("snare_1")], source)
    assert np.max(np.abs(kept)) > 0.05
    np.testing.assert_array_equal(kept, swapped)


def test_every_hit_is_rendered_by_one_whole_model():
    times = list(np.arange(0.15, 4.0, 0.07))
    source = hits(times, 4.2)
    models = [load_model_named("snare_1"), load_model_named("snare_2")]
    alone = [played([model], source)[1] for model in models]
    _, swapped = played(models, source)
    assert len(swapped) == len(alone[0]) == len(alone[1]) > 40
    chosen = [[hit.values == other.values for other in pair] for hit, *pair in zip(swapped, *alone, strict=True)]
    assert all(sum(choice) == 1 for choice in chosen)
    assert 10 < sum(choice[0] for choice in chosen) < len(chosen) - 10


@in_loop
async def test_a_model_that_changed_on_disk_is_loaded_anew():
    sounds = Shipped()
    sounds.extra["mine"] = load_model_named("snare_1")
    controller = make_controller(sounds=sounds, values={"/track/1/model": "mine"})
    controller.set({"/track/1/synth/osc1/freq": 222.0, "/track/1/depth/osc1/freq": 0.5})
    sounds.extra["mine"] = load_model_named("snare_2")
    await controller.reload({"mine"})
    assert controller.sound(1).model is sounds.extra["mine"]
    assert controller.value("/track/1/synth/osc1/freq") == 222.0
    assert controller.value("/track/1/depth/osc1/freq") == 0.5
    sounds.extra["mine"] = load_model_named("kick_long")
    await controller.reload({"mine"})
    assert controller.sound(1).model.synth == "kick808"
    assert set(controller.values()) == {p for p, c in controller.tree.items() if c.kind != "action"}


@in_loop
async def test_another_synth_has_its_depths_and_locks_anew_in_tree_and_engine():
    engine = EngineControl(SharedBlock.private())
    controller = make_controller(engine, values={"/track/1/model": "snare_1"})
    depth, lock = "/track/1/depth/osc1/freq", "/track/1/lock/osc1/freq"

    def in_engine():
        wanted, index = engine.shared.record["mailbox"]["track"][0], engine.synth(0).table.index("osc1.freq")
        return float(wanted["depth"][index]), bool(wanted["lock"][index])

    controller.set({depth: 0.25, lock: True})
    assert in_engine() == (0.25, True)
    ear = Ear(controller)
    await controller.change({"/track/1/model": "kick_long"})
    told = await ear.next()
    assert (controller.value(depth), controller.value(lock)) == in_engine() == (1.0, False)
    assert (told[depth], told[lock]) == in_engine()
    await controller.change({"/track/1/model": "snare_1", depth: 0.5})
    await controller.change({"/track/1/model": "snare_2"})
    assert (controller.value(depth), controller.value(lock)) == in_engine() == (0.5, False)


@in_loop
async def test_of_models_that_changed_on_disk_those_of_the_same_synth_keep_their_values():
    sounds = Shipped()
    sounds.extra |= {"mine": load_model_named("snare_1"), "other": load_model_named("snare_1")}
    controller = make_controller(sounds=sounds, values={"/track/1/model": "mine", "/track/2/model": "other"})
    controller.set({"/track/1/synth/osc1/freq": 222.0})
    sounds.extra |= {"mine": load_model_named("snare_2"), "other": load_model_named("kick_long")}
    await controller.reload({"mine", "other"})
    assert controller.sound(2).model.synth == "kick808"
    assert controller.value("/track/1/synth/osc1/freq") == 222.0


@in_loop
async def test_a_sound_becomes_a_preset():
    controller = make_controller(values={"/track/1/model": "snare_1"})
    controller.set({"/track/1/synth/osc1/freq": 222.0})
    preset = controller.preset_of(1, "mine", "Higher.")
    assert preset.table.mapping(preset.values)["osc1.freq"] == 222.0
    np.testing.assert_array_equal(preset.damping, controller.sound(1).preset.damping)


@in_loop
async def test_actions():
    controller = make_controller()
    news = []
    controller._bulletin.subscribe(lambda kind, data: news.append((kind, data)))
    controller.trigger("/panic")
    assert news == [("action", {"path": "/panic"})]
    with pytest.raises(FieldError, match="an action"):
        controller.trigger("/output_gain_db")
    with pytest.raises(FieldError):
        controller.value("/panic")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"values": []},
        {"values": {"/track/1/model": None, "/track/1/preset": 5}},
        {"values": {"/track/99/mute": True, "/track/" + 5000 * "1" + "/mute": True}},
    ],
)
def test_a_strange_session_is_no_reason_not_to_start(document):
    controller = make_controller()
    controller.begin(document)
    assert controller.tracks == 1
    assert controller.value("/track/1/model") == "snare_1"


@in_loop
async def test_a_channel_that_the_device_lacks_is_asked_for_once():
    host = FakeHost(StreamSettings(backend="virtual"))
    host.inputs = 2
    controller = make_controller(host=host)
    controller.set({"/track/1/input_channel": 2})
    assert (host.starts, host.playing.stream.input_channels) == (2, 2)
    controller.set({"/track/1/input_channel": 3})
    assert host.starts == 3
    for channel in (7, 4, 2, 9):
        controller.set({"/track/1/input_channel": channel})
    assert (host.starts, controller.value("/track/1/input_channel")) == (3, 9)


@in_loop
async def test_a_session_may_name_the_file_that_was_named_at_the_start(tmp_path):
    mine, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    for path in (mine, other):
        save_model(load_model_named("velocity"), path)
    controller = make_controller(values={"/track/1/model": str(mine)})
    session = controller.session()
    await controller.change({"/track/1/model": "snare_1"})
    await controller.restore(session)
    assert controller.value("/track/1/model") == str(mine)
    session["values"]["/track/1/model"] = str(other)
    with pytest.raises(FieldError, match="name of a model in the library"):
        await controller.restore(session)


@in_loop
async def test_a_session_of_another_kind_of_device_leaves_the_device_alone():
    controller = make_controller(host=FakeHost(StreamSettings(backend="portaudio", input_device="Studio")))
    news = []
    controller._bulletin.subscribe(lambda kind, data: news.append(data["text"]))
    session = make_controller().session()
    assert session["values"]["/device/backend"] == "virtual"
    session["values"]["/output_gain_db"] = -8.0
    before = controller.values("/device")
    await controller.restore(session)
    assert (controller.values("/device"), controller.value("/output_gain_db")) == (before, -8.0)
    assert controller._host.starts == 1
    assert "another kind of device (virtual)" in news[0]
    # One that says nothing of the device leaves it alone, too.
    await controller.restore({"format": 1, "values": {"/output_gain_db": -3.0}})
    assert controller.values("/device") == before


@in_loop
async def test_a_track_on_a_channel_that_is_not_there_is_told():
    host = FakeHost(StreamSettings(backend="virtual"))
    host.inputs = 1
    controller = make_controller(host=host)
    news, heard = [], asyncio.Event()
    controller._bulletin.subscribe(lambda kind, data: kind == "notice" and (news.append(data["text"]), heard.set()))
    watch = EngineNews(host, controller, controller._bulletin)
    await watch.start()
    controller.set({"/track/1/input_channel": 4})
    await asyncio.wait_for(heard.wait(), 5.0)
    await watch.stop()
    assert news[0] == "track 1 listens to channel 4; in has 1, so it is silent"
