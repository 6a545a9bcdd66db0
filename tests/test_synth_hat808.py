"""The 808 hi-hat against formulas from elsewhere, its squares without aliases, and the choke."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from scipy.special import erf

from remapd.dsp import noise, squares
from remapd.synth.presets import load_preset
from remapd.synth.registry import get_synth
from tests import snare808_reference as reference
from tests.models import shipped_presets
from tests.voices import hit, make_voice, rendered, values_of

HAT = get_synth("hat808")
TABLE = HAT.table
RATES = (44100.0, 48000.0, 96000.0)
PRESETS = {path.stem: load_preset(path).values for path in shipped_presets("hat808")}


def _changed(values, **changes):
    return TABLE.vector(TABLE.mapping(values) | {name.replace("__", "."): x for name, x in changes.items()})


def _analog(numerator, hz, q, sample_rate):
    """Digital filter of an analog one, whose frequency the bilinear transform is to meet."""
    w = 2.0 * sample_rate * np.tan(np.pi * min(hz / sample_rate, 0.49))
    return signal.bilinear(numerator(w, q), [1.0, w / q, w * w], sample_rate)


def _band_pass(x, hz, q, sample_rate):
    return signal.lfilter(*_analog(lambda w, q: [w / q, 0.0], hz, q, sample_rate), x)


def _high_pass(x, hz, q, sample_rate):
    return signal.lfilter(*_analog(lambda w, q: [1.0, 0.0, 0.0], hz, q, sample_rate), x)


def _squares(ratio, sample_rate, n):
    edge = min(12000.0, 0.28 * sample_rate)
    total = np.zeros(n)
    for hz, start in zip((205.3, 304.4, 369.6, 522.7, 540.0, 800.0), squares.START_TURNS, strict=True):
        sine = np.sin(2.0 * np.pi * (start + ratio * hz * np.arange(n) / sample_rate))
        total += erf(edge / (2.0 * ratio * hz) * sine)
    return total


def _expected(values, sample_rate, n, seed):
    v = TABLE.mapping(values)
    gain = {part: 10.0 ** ((v[f"{part}_gain.gain"] + v["tanh.in_gain"]) / 20.0) for part in ("metal", "noise")}
    e_m, e_n = (reference.envelope(v[f"{part}_env.decay"], sample_rate, n) for part in ("metal", "noise"))
    hiss = gain["noise"] * np.sqrt(sample_rate / 44100.0) * e_n * reference.white_noise(seed, n)
    source = gain["metal"] * e_m * _squares(v["metal.tune"], sample_rate, n) + hiss
    band = _band_pass(source, v["band_pass.freq"], v["band_pass.q"], sample_rate)
    return np.tanh(_high_pass(band, v["high_pass.freq"], v["high_pass.q"], sample_rate))


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("values", PRESETS.values(), ids=PRESETS)
def test_a_hit_follows_the_formulas(values, sample_rate):
    n = int(0.1 * sample_rate)
    np.testing.assert_allclose(
        hit(HAT, values, sample_rate, n, 3), _expected(values, sample_rate, n, 3), rtol=0.0, atol=1e-8
    )


@settings(max_examples=30)
@given(values=values_of(TABLE), sample_rate=st.sampled_from(RATES))
def test_any_values_follow_the_formulas(values, sample_rate):
    # What is left out after the envelopes is 1e-7 of up to 30 dB of gain and six squares.
    np.testing.assert_allclose(
        hit(HAT, values, sample_rate, 2500), _expected(values, sample_rate, 2500, 0), rtol=0.0, atol=4e-5
    )


def _bank(ratio, sample_rate, n):
    bank, out = np.zeros(1, squares.STATE)[0], np.zeros(n)
    squares.restart(bank)
    squares.tune(bank, ratio, sample_rate)
    for start in range(0, n, 50):
        squares.render(bank, np.ones(50), out[start:], 50)
    return out


def _energy(spectrum, hz, low, high):
    return np.sum(np.abs(spectrum[(hz >= low) & (hz < high)]) ** 2)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.618, 2.0])
def test_the_squares_have_next_to_no_aliases(ratio):
    n, spectra = 22050, {}
    for times in (1, 4):
        x = _bank(ratio, 44100.0 * times, n * times)
        spectra[times] = np.fft.rfft(x * np.hanning(n * times))[: n // 2] / times
    hz = np.fft.rfftfreq(n, 1.0 / 44100.0)[: n // 2]
    alias = spectra[1] - spectra[4]
    for low, high, bound_db in ((0.0, 22050.0, -57.0), (5000.0, 18000.0, -52.0)):
        level_db = 10.0 * np.log10(_energy(alias, hz, low, high) / _energy(spectra[4], hz, low, high))
        assert level_db < bound_db


def test_the_squares_are_squares_with_a_gaussian_low_pass():
    n, rate = 44100, 44100.0
    bank = np.zeros(1, squares.STATE)[0]
    squares.tune(bank, 1.0, rate)
    theta = 2.0 * np.pi * np.arange(n) / n
    for j, hz in enumerate(squares.FREQUENCIES_HZ[:3]):
        x = erf(bank["steepness"][j] * np.sin(theta))
        harmonics = np.arange(1, 60, 2)
        heard = 2.0 * np.abs(np.fft.rfft(x)[harmonics]) / n
        wanted = 4.0 / (np.pi * harmonics) * np.exp(-((harmonics * hz / squares.EDGE_HZ) ** 2))
        np.testing.assert_allclose(heard, wanted, rtol=0.1, atol=1e-4)


def test_a_new_tune_goes_on_from_the_phases():
    bank, out = np.zeros(1, squares.STATE)[0], np.zeros(50)
    squares.restart(bank)
    squares.tune(bank, 1.0, 48000.0)
    squares.render(bank, np.ones(50), out, 50)
    squares.tune(bank, 1.5, 48000.0)
    hz = np.array(squares.FREQUENCIES_HZ)
    expected = np.array(squares.START_TURNS) + 50.0 * hz / 48000.0
    np.testing.assert_allclose(bank["phases"], expected % 1.0, atol=1e-12)
    np.testing.assert_allclose(bank["increments"], 1.5 * hz / 48000.0)


def _level_db(x):
    return 10.0 * np.log10(np.mean(x**2) + 1e-30)


def test_a_closed_hat_chokes_an_open_one():
    voice, n = make_voice(HAT), 4800
    HAT.trigger(voice, PRESETS["hat_open"])
    before = rendered(HAT, voice, n)
    open_on = np.concatenate([before, rendered(HAT, voice, 2 * n)])[n:]
    voice = make_voice(HAT)
    HAT.trigger(voice, PRESETS["hat_open"])
    rendered(HAT, voice, n)
    HAT.trigger(voice, PRESETS["hat_closed"])
    choked = rendered(HAT, voice, 2 * n)
    assert _level_db(choked[n:]) < _level_db(open_on[n:]) - 40.0
    while HAT.is_active(voice):
        rendered(HAT, voice, 64)
    # What is left of the open hat is over as fast as a closed one alone.
    alone = hit(HAT, PRESETS["hat_closed"], 48000.0, 2 * n)
    assert abs(_level_db(choked[n:]) - _level_db(alone[n:])) < 3.0


@pytest.mark.parametrize("change", [{"tanh__in_gain": -20.0}, {"metal_gain__gain": 6.0}, {"high_pass__freq": 5000.0}])
def test_other_values_on_a_sounding_hat_make_no_click(change):
    values = _changed(PRESETS["hat_open"], noise_gain__gain=-60.0)
    voice, undisturbed = make_voice(HAT), make_voice(HAT)
    for each in (voice, undisturbed):
        HAT.trigger(each, values)
        rendered(HAT, each, 2000)
    HAT.trigger(voice, _changed(values, **change))
    heard, on = rendered(HAT, voice, 4), rendered(HAT, undisturbed, 4)
    assert abs(heard[0] - on[0]) < 0.1 * np.abs(hit(HAT, values, 48000.0, 2000)).max()


def test_a_hat_out_of_silence_starts_the_same_way_and_the_noise_runs_on():
    quiet = _changed(PRESETS["hat_closed"], noise_gain__gain=-60.0)
    for values, is_same in ((quiet, True), (PRESETS["hat_closed"], False)):
        voice, hits = make_voice(HAT), []
        for _ in range(2):
            HAT.trigger(voice, values)
            hits.append(rendered(HAT, voice, 9600))
            assert not HAT.is_active(voice)
        difference = np.abs(hits[0] - hits[1]).max() / np.abs(hits[0]).max()
        assert (difference < 0.005) == is_same
    position = voice["noise"]["position"]
    again = make_voice(HAT)
    again["noise"]["position"] = position
    for each in (voice, again):
        HAT.trigger(each, PRESETS["hat_closed"])
    np.testing.assert_array_equal(rendered(HAT, voice, 3000), rendered(HAT, again, 3000))


def test_the_filters_ring_out_after_the_sources():
    values = _changed(
        TABLE.default,
        metal_env__decay=10.0,
        noise_env__decay=10.0,
        band_pass__freq=1000.0,
        band_pass__q=5.0,
        high_pass__freq=200.0,
        high_pass__q=5.0,
        tanh__in_gain=24.0,
    )
    heard = hit(HAT, values, 48000.0, 24000)
    sounds = np.flatnonzero(heard)
    assert 0.024 + 0.05 < sounds[-1] / 48000.0 < 0.3
    assert abs(heard[sounds[-1]]) < 1e-5
    assert np.abs(heard - _expected(values, 48000.0, 24000, 0))[sounds[-1] :].max() < 1e-5


def _bands_db(x, sample_rate):
    hz, power = signal.welch(x, sample_rate, nperseg=int(sample_rate / 20.0))
    return np.array([10.0 * np.log10(power[(hz >= f) & (hz < 1.5 * f)].sum()) for f in (4000.0, 6000.0, 9000.0)])


@pytest.mark.parametrize("values", PRESETS.values(), ids=PRESETS)
def test_the_sound_is_as_bright_and_as_long_at_every_rate(values):
    sounds = {rate: hit(HAT, values, rate, int(0.5 * rate)) for rate in RATES}
    bands = {rate: _bands_db(x, rate) for rate, x in sounds.items()}
    for rate in RATES:
        assert np.abs(bands[rate] - bands[48000.0]).max() < 2.0
        after = sounds[rate][int(0.03 * rate) : int(0.05 * rate)]
        assert abs(_level_db(after) - _level_db(sounds[48000.0][1440:2400])) < 1.5


@pytest.mark.parametrize("values", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_a_hat(values):
    x = hit(HAT, values, 44100.0, 44100)
    assert -12.0 < 20.0 * np.log10(np.abs(x).max()) < -1.0
    hz, power = signal.welch(x, 44100.0, nperseg=2048)
    assert 6000.0 < (hz * power).sum() / power.sum() < 11000.0
    assert power[hz < 2000.0].sum() < 1e-2 * power.sum()
    energy = np.cumsum(x**2) / np.sum(x**2)
    length_s = np.searchsorted(energy, 0.999) / 44100.0
    assert length_s < 0.06 or length_s > 0.2


def test_the_noise_is_as_dense_at_every_rate():
    for rate in (44100.0, 88200.0):
        density = np.mean((noise.density_gain(rate) * reference.white_noise(0, 5000)) ** 2) / rate
        assert density == pytest.approx(1.0 / 3.0 / 44100.0, rel=0.05)


@pytest.mark.parametrize("form", ["squares", "reference_squares"])
def test_the_tune_has_the_gradient_of_the_sound(form):
    torch = pytest.importorskip("torch")
    from remapd.training.ddsp import squares as blocks

    weights = torch.from_numpy(np.random.default_rng(0).standard_normal(400))
    ratio = torch.tensor([0.5, 1.0, 1.9], dtype=torch.float64, requires_grad=True)
    sound = getattr(blocks, form)(ratio, 400, 44100.0)
    np.testing.assert_allclose(sound.detach()[1], _squares(1.0, 44100.0, 400), atol=2e-9)
    assert torch.equal(getattr(blocks, form)(ratio.detach(), 400, 44100.0), sound)
    (sound * weights).sum().backward()
    for i, r in enumerate(ratio.tolist()):
        step = 1e-6
        change = _squares(r + step, 44100.0, 400) - _squares(r - step, 44100.0, 400)
        assert ratio.grad[i].item() == pytest.approx(weights.numpy() @ change / (2.0 * step), rel=1e-5)


def test_the_kernel_of_the_squares_is_their_plain_form():
    torch = pytest.importorskip("torch")
    from remapd.training.ddsp import squares as blocks

    gradients = []
    weights = torch.from_numpy(np.random.default_rng(1).standard_normal((3, 20000)))
    for form in (blocks.squares, blocks.reference_squares):
        ratio = torch.tensor([0.51, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
        sound = form(ratio, 20000, 48000.0)
        (sound * weights).sum().backward()
        gradients.append((sound.detach().numpy(), ratio.grad.numpy()))
    np.testing.assert_allclose(gradients[0][0], gradients[1][0], atol=1e-8)
    np.testing.assert_allclose(gradients[0][1], gradients[1][1], rtol=1e-7)


def test_two_triggers_in_one_frame_count_as_one():
    once, twice = make_voice(HAT), make_voice(HAT)
    for voice, times in ((once, 1), (twice, 2)):
        HAT.trigger(voice, TABLE.default)
        rendered(HAT, voice, 700)
        for _ in range(times):
            HAT.trigger(voice, _changed(TABLE.default, tanh__in_gain=-10.0))
    np.testing.assert_allclose(rendered(HAT, twice, 2000), rendered(HAT, once, 2000), atol=1e-12)
