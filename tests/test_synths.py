"""What every synth in the table promises, whatever it sounds like."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remapd.synth.presets import load_preset
from remapd.synth.registry import SYNTHS
from tests.models import shipped_presets
from tests.voices import hit, make_voice, rendered, values_of

RATES = (8000.0, 44100.0, 48000.0, 192000.0)
BLOCKS = st.lists(st.sampled_from([1, 2, 17, 63, 64, 65, 500, 4096]), min_size=1, max_size=6).map(tuple)

each_synth = pytest.mark.parametrize("synth", SYNTHS.values(), ids=list(SYNTHS))


@each_synth
@settings(max_examples=60, deadline=None)
@given(data=st.data(), sample_rate=st.sampled_from(RATES))
def test_every_corner_of_the_ranges_is_finite(synth, data, sample_rate):
    voice, values = make_voice(synth, sample_rate), values_of(synth.table)
    for _ in range(3):
        synth.trigger(voice, data.draw(values))
        assert np.isfinite(rendered(synth, voice, data.draw(st.integers(0, 1500)))).all()


@each_synth
@settings(max_examples=30, deadline=None)
@given(data=st.data(), blocks=BLOCKS)
def test_any_division_into_blocks_gives_the_same_bits(synth, data, blocks):
    whole, divided = make_voice(synth), make_voice(synth)
    pauses = st.integers(0, 700)
    for pause, values in data.draw(st.lists(st.tuples(pauses, values_of(synth.table)), min_size=1, max_size=3)):
        np.testing.assert_array_equal(rendered(synth, whole, pause), rendered(synth, divided, pause, blocks))
        synth.trigger(whole, values)
        synth.trigger(divided, values)
    np.testing.assert_array_equal(rendered(synth, whole, 3000), rendered(synth, divided, 3000, blocks))


@each_synth
def test_single_frames_to_the_very_end(synth):
    shortest = synth.table.default.copy()
    decays = [name.endswith(".decay") for name in synth.table.names]
    shortest[decays] = synth.table.minimum[decays]
    whole, divided = make_voice(synth), make_voice(synth)
    for voice in (whole, divided):
        synth.trigger(voice, shortest)
    n = 48000 // 2
    np.testing.assert_array_equal(rendered(synth, whole, n), rendered(synth, divided, n, (1,)))
    assert not synth.is_active(whole)
    assert not synth.is_active(divided)


@each_synth
def test_it_adds_to_the_output_and_only_where_it_is_asked_to(synth):
    voice, out = make_voice(synth), np.full(300, 0.25)
    synth.trigger(voice, synth.table.default)
    synth.render(voice, out, 100, 200)
    np.testing.assert_array_equal(out[100:200], 0.25 + hit(synth, synth.table.default, 48000.0, 100))
    assert (out[:100] == 0.25).all()
    assert (out[200:] == 0.25).all()


@each_synth
def test_a_voice_that_rests_costs_no_state(synth):
    voice = make_voice(synth)
    synth.trigger(voice, synth.table.default)
    for _ in range(200):
        if synth.is_active(voice):
            rendered(synth, voice, 4800)
    assert not synth.is_active(voice)
    before = voice.tobytes()
    assert (rendered(synth, voice, 1000) == 0.0).all()
    assert voice.tobytes() == before


@each_synth
def test_silence_stops_at_once_and_the_next_hit_is_one_out_of_silence(synth):
    voice = make_voice(synth)
    synth.trigger(voice, synth.table.maximum)
    rendered(synth, voice, 1000)
    synth.silence(voice)
    assert not synth.is_active(voice)
    assert (rendered(synth, voice, 100) == 0.0).all()
    synth.reset(voice, 48000.0, 3)
    synth.trigger(voice, synth.table.default)
    expected = hit(synth, synth.table.default, 48000.0, 2000, 3)
    np.testing.assert_array_equal(rendered(synth, voice, 2000), expected)


@each_synth
def test_the_seed_chooses_the_noise_and_nothing_else_is_left_to_chance(synth):
    one, same, other = (hit(synth, synth.table.default, 48000.0, 2000, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@each_synth
def test_presets_have_a_sane_level_and_length(synth):
    for path in shipped_presets(synth.name):
        sound = hit(synth, load_preset(path).values, 48000.0, 3 * 48000)
        assert 10.0 ** (-22.0 / 20.0) < np.abs(sound).max() < 10.0 ** (-1.0 / 20.0), path.stem
        assert np.abs(sound[-4800:]).max() < 1e-3 * np.abs(sound).max(), path.stem
