"""Every synth has a twin that renders what its voice plays from rest, with gradients that can be used."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from remapd.dsp import noise  # noqa: E402
from remapd.engine.control import TrackSetup  # noqa: E402
from remapd.engine.engine import Engine  # noqa: E402
from remapd.errors import FieldError  # noqa: E402
from remapd.synth.presets import load_preset  # noqa: E402
from remapd.synth.registry import SYNTHS  # noqa: E402
from remapd.training.ddsp.features import long_term_features  # noqa: E402
from remapd.training.ddsp.twin import get_twin, unit_to_values, white_noise  # noqa: E402
from remapd.training.long_term import SOUND_FRAMES, TRAINING_RATE_HZ  # noqa: E402
from remapd.training.torch_state import undisturbed  # noqa: E402
from tests.engines import hits, hits_of, play  # noqa: E402
from tests.models import make_model, shipped_presets  # noqa: E402
from tests.networks import mlp  # noqa: E402
from tests.voices import hit, make_voice, rendered, values_of  # noqa: E402

RATES = (44100.0, 48000.0)
SEED = 3
#: What is as good as equal, and what a voice may leave out: -140 dB of paths with up to 30 dB of gain and a resonance.
SAME, LEFT_OUT = 1e-8, 2e-4
#: The same for the long-term features, in their units: of presets, and of paths with 30 dB of gain.
SAME_FEATURES, FEATURES_AT_CORNERS = 1e-3, 0.05

each_synth = pytest.mark.parametrize("synth", SYNTHS.values(), ids=SYNTHS)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """As training computes: threads of torch that wait for each other would take most of the time."""
    with undisturbed():
        yield


def _presets(synth):
    return [load_preset(path) for path in shipped_presets(synth.name)]


def _twin(synth, values, n, sample_rate, samples=None):
    samples = white_noise(SEED, n) if samples is None else samples
    return get_twin(synth.name)(torch.tensor(np.atleast_2d(values)), n, sample_rate, samples).numpy()


def _corners(table):
    """All parameters at one end, every second one at the other, drawn ends, and what lies between."""
    generator, size = np.random.default_rng(4), len(table)
    unit = [np.zeros(size), np.ones(size), np.arange(size) % 2, 1 - np.arange(size) % 2]
    unit += [*generator.integers(0, 2, (5, size)), *generator.uniform(0.0, 1.0, (5, size))]
    return np.array([table.denormalise(row) for row in unit])


def _features(sounds):
    return long_term_features(torch.tensor(np.atleast_2d(sounds), dtype=torch.float64)).numpy()


@each_synth
def test_every_synth_has_a_twin_and_presets(synth):
    assert callable(get_twin(synth.name))
    assert _presets(synth)


def test_an_unknown_synth_has_no_twin():
    with pytest.raises(FieldError, match="snare808"):
        get_twin("snare809")


@pytest.mark.parametrize("sample_rate", RATES)
@each_synth
def test_presets_sound_as_the_voice_plays_them(synth, sample_rate):
    for preset in _presets(synth):
        heard = hit(synth, preset.values, sample_rate, SOUND_FRAMES, SEED)
        difference = np.abs(_twin(synth, preset.values, SOUND_FRAMES, sample_rate)[0] - heard)
        # Nothing ends in 5 ms; what ends then is below -140 dB.
        assert difference[: int(0.005 * sample_rate)].max() < SAME, preset.name
        assert difference.max() < 1e-6, preset.name


@each_synth
@settings(max_examples=15)
@given(data=st.data(), sample_rate=st.sampled_from(RATES))
def test_any_values_sound_as_the_voice_plays_them(synth, data, sample_rate):
    values, n = data.draw(values_of(synth.table)), 4000
    difference = np.abs(_twin(synth, values, n, sample_rate)[0] - hit(synth, values, sample_rate, n, SEED))
    assert difference[: int(0.005 * sample_rate)].max() < SAME
    assert difference.max() < LEFT_OUT


@each_synth
def test_the_features_of_the_voice_are_those_of_the_twin(synth):
    def error(rows):
        heard = [hit(synth, values, TRAINING_RATE_HZ, SOUND_FRAMES, SEED).astype(np.float32) for values in rows]
        return np.abs(_features(heard) - _features(_twin(synth, rows, SOUND_FRAMES, TRAINING_RATE_HZ))).max()

    assert error(np.array([preset.values for preset in _presets(synth)])) < SAME_FEATURES
    assert error(_corners(synth.table)) < FEATURES_AT_CORNERS


@each_synth
def test_the_features_of_what_the_engine_plays_are_those_of_the_twin(synth):
    gain_db = -6.0  # Below the limiter.
    for preset in _presets(synth):
        model = make_model(mlp((3, 32, len(synth.table))), preset=preset)
        track = TrackSetup(model, parameters={"gain_db": gain_db})
        engine = Engine(TRAINING_RATE_HZ, 1, 1, [track], seed=SEED)
        sound = play(engine, hits([0.05], 1.0, TRAINING_RATE_HZ))[:, 0]
        (event,) = hits_of(engine)
        start = round(event.trigger_s * TRAINING_RATE_HZ)
        heard = sound[start : start + SOUND_FRAMES] * 10.0 ** (-gain_db / 20.0)
        values = synth.table.vector(event.values)
        assert np.abs(values - preset.values).max() > 0.0
        twin = _twin(synth, values, SOUND_FRAMES, TRAINING_RATE_HZ)
        assert np.abs(_features(heard) - _features(twin)).max() < 10.0 * SAME_FEATURES, preset.name


def _noise_position(record):
    """Place in its stream of the noise somewhere in a voice."""
    if record.dtype == noise.STATE:
        return int(record["position"])
    parts = [record[name] for name in record.dtype.names if record.dtype[name].names]
    return next((place for place in map(_noise_position, parts) if place is not None), None)


@each_synth
def test_a_hit_after_silence_is_the_twin_with_later_noise(synth):
    voice, n, values = make_voice(synth, RATES[0], SEED), 4000, _presets(synth)[0].values
    start = _noise_position(voice)
    synth.trigger(voice, values)
    while synth.is_active(voice):
        rendered(synth, voice, 4096)
    skipped = _noise_position(voice) - start
    synth.trigger(voice, values)
    twin = _twin(synth, values, n, RATES[0], white_noise(SEED, skipped + n)[skipped:])[0]
    assert np.abs(rendered(synth, voice, n) - twin).max() < 1e-6


@each_synth
def test_a_hit_on_a_sounding_voice_is_not_what_the_twin_renders(synth):
    """The twin knows hits from rest alone; the voice goes on from where it is, without a jump."""
    voice, n, pause = make_voice(synth, RATES[0], SEED), 2000, 300
    values = _presets(synth)[0].values
    synth.trigger(voice, values)
    rendered(synth, voice, pause)
    synth.trigger(voice, values)
    anew = _twin(synth, values, n, RATES[0], white_noise(SEED, pause + n)[pause:])[0]
    assert np.abs(rendered(synth, voice, n) - anew).max() > 1e-3


def _gradients(synth, unit, n):
    leaf = torch.tensor(unit).requires_grad_()
    sounds = get_twin(synth.name)(unit_to_values(synth.table, leaf), n, TRAINING_RATE_HZ, white_noise(SEED, n))
    features = long_term_features(sounds) if n == SOUND_FRAMES else sounds
    features.square().sum().backward()
    return leaf.grad.numpy()


@each_synth
def test_gradients_are_finite_everywhere(synth):
    unit = synth.table.normalise(_corners(synth.table))
    assert np.isfinite(_gradients(synth, unit, SOUND_FRAMES)).all()


@each_synth
def test_every_parameter_has_a_gradient(synth):
    unit = np.random.default_rng(5).uniform(0.2, 0.8, (4, len(synth.table)))
    assert (np.abs(_gradients(synth, unit, SOUND_FRAMES)).max(axis=0) > 1e-6).all()


@each_synth
def test_gradients_are_the_slopes_of_the_sound(synth):
    unit, n, step = np.random.default_rng(6).uniform(0.1, 0.9, (2, len(synth.table))), 500, 1e-6
    found = _gradients(synth, unit, n)

    def energy(unit):
        values = np.array([synth.table.denormalise(row) for row in unit])
        return np.square(_twin(synth, values, n, TRAINING_RATE_HZ)).sum(axis=1)

    for index in range(len(synth.table)):
        change = step * np.eye(len(synth.table))[index]
        slope = (energy(unit + change) - energy(unit - change)) / (2.0 * step)
        np.testing.assert_allclose(found[:, index], slope, rtol=1e-4, atol=1e-6 * np.abs(found).max())


@each_synth
def test_hits_do_not_depend_on_each_other(synth):
    rows, n = _corners(synth.table)[-6:], 1000
    together = _twin(synth, rows, n, TRAINING_RATE_HZ)
    for row, alone in zip(rows, together, strict=True):
        np.testing.assert_allclose(_twin(synth, row, n, TRAINING_RATE_HZ)[0], alone, rtol=0.0, atol=1e-13)


@each_synth
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_renders_the_same(synth):
    unit, n = synth.table.normalise(_corners(synth.table)[-8:]), 4000
    results = []
    for device in ("cpu", "cuda"):
        leaf = torch.tensor(unit, device=device).requires_grad_()
        samples = white_noise(SEED, n).to(device)
        sounds = get_twin(synth.name)(unit_to_values(synth.table, leaf), n, TRAINING_RATE_HZ, samples)
        sounds.square().sum().backward()
        results.append((sounds.detach().cpu(), leaf.grad.cpu()))
    assert (results[0][0] - results[1][0]).abs().max() < 1e-8
    assert ((results[0][1] - results[1][1]).abs() <= 1e-5 * results[0][1].abs().max(dim=0).values).all()
