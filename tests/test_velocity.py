"""The model `velocity` as shipped, and what it does to the sound."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from remapd.mapping import velocity
from remapd.mapping.bundle import load_model, model_bytes
from remapd.mapping.velocity import build_velocity
from remapd.synth import snare808
from remapd.synth.presets import load_preset
from tests.models import SHIPPED, all_features, shipped_presets

RATE = 48000.0
PRESETS = [path.stem for path in shipped_presets("snare808")]
LEVELS_DB = (-54.0, -48.0, -40.0, -32.0, -25.0, -18.0, -12.0, -8.0)


def _model(preset="snare_1"):
    return build_velocity(load_preset(SHIPPED / "presets" / f"{preset}.json"))


def _values(model, loudness_db, neurality=1.0, centroid_st=88.0, flatness_db=-70.0):
    modulation = model.modulation(all_features(loudness_db, centroid_st, flatness_db))
    return model.table.denormalise(model.preset.unit_values + neurality * model.preset.damping * modulation)


def _sound(values):
    voice = np.zeros(1, snare808.STATE)[0]
    snare808.reset(voice, RATE, 1)
    snare808.trigger(voice, values)
    out = np.zeros(round(0.1 * RATE))
    snare808.render(voice, out, 0, len(out))
    return out


def _level_db(x):
    return 10.0 * np.log10(np.mean(x**2))


def _brightness_db(x):
    """Energy above 4 kHz to energy below 500 Hz."""
    high = signal.butter(4, 4000.0, "highpass", fs=RATE, output="sos")
    low = signal.butter(4, 500.0, "lowpass", fs=RATE, output="sos")
    return _level_db(signal.sosfilt(high, x)) - _level_db(signal.sosfilt(low, x))


def test_the_shipped_file_is_the_built_model(tmp_path):
    assert model_bytes(load_model(SHIPPED / "velocity.safetensors")) == model_bytes(_model())
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "snare_1.json").write_bytes((SHIPPED / "presets" / "snare_1.json").read_bytes())
    velocity.main(tmp_path)
    assert model_bytes(load_model(tmp_path / "velocity.safetensors")) == model_bytes(_model())


def test_the_reference_hit_plays_the_preset():
    model = _model()
    low, high = velocity.MINIMUM["loudness_db"], velocity.MAXIMUM["loudness_db"]
    reference_db = low + velocity.REFERENCE["loudness_db"] * (high - low)
    assert reference_db == pytest.approx(-24.9)
    np.testing.assert_allclose(_values(model, reference_db), model.preset.values, rtol=1e-6)


def test_harder_is_louder_brighter_and_sweeps_more():
    model = _model()
    values = [_values(model, level) for level in LEVELS_DB]
    sounds = [_sound(v) for v in values]
    assert (np.diff([_level_db(x) for x in sounds]) > 1.0).all()
    assert _brightness_db(sounds[-1]) > _brightness_db(sounds[0]) + 6.0
    sweep = [v[model.table.index("osc1.mod")] for v in values]
    assert (np.diff(sweep) > 0.0).all()
    assert sweep[0] > 0.0


def test_other_features_do_nothing():
    model = _model()
    for centroid_st, flatness_db in ((60.0, -100.0), (130.0, 0.0)):
        changed = _values(model, -12.0, 1.0, centroid_st, flatness_db)
        np.testing.assert_array_equal(changed, _values(model, -12.0))


def test_frequencies_and_times_stay():
    model = _model()
    moved = [
        name
        for name in model.table.names
        if (np.ptp([_values(model, x) for x in LEVELS_DB], axis=0) > 0)[model.table.index(name)]
    ]
    assert set(moved) == set(velocity.LOUDNESS_WEIGHTS)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("neurality", [0.0, 1.0, 4.0])
def test_every_preset_stays_finite_and_within_full_scale(preset, neurality):
    model = _model(preset)
    for level in (-200.0, *LEVELS_DB, 0.0):
        x = _sound(_values(model, level, neurality))
        assert np.isfinite(x).all()
        assert np.abs(x).max() <= 1.0
