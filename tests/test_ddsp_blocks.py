"""The differentiable blocks against the streaming ones and SciPy, and their compiled kernels against plain PyTorch."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

torch = pytest.importorskip("torch")

from remapd.dsp import envelope as streaming_envelope  # noqa: E402
from remapd.dsp import noise as streaming_noise  # noqa: E402
from remapd.synth.snare808 import TABLE as SNARE  # noqa: E402
from remapd.training.ddsp import biquad, envelope, oscillator, snare808  # noqa: E402
from remapd.training.ddsp.features import long_term_features  # noqa: E402
from remapd.training.ddsp.noise import white_noise  # noqa: E402
from remapd.training.ddsp.twin import unit_to_values  # noqa: E402
from remapd.training.kernels import memory, threads  # noqa: E402
from remapd.training.long_term import SOUND_FRAMES  # noqa: E402
from remapd.training.torch_state import undisturbed  # noqa: E402
from tests import snare808_reference as reference  # noqa: E402

RATE, FRAMES = 44100.0, 3000
SIGNAL = torch.from_numpy(np.random.default_rng(0).uniform(-1.0, 1.0, (2, FRAMES)))
DECAYS_MS = st.sampled_from([1.0, 10.0, 2000.0]) | st.floats(1.0, 2000.0)
HERTZ = st.sampled_from([20.0, 2000.0, 22050.0]) | st.floats(20.0, 24000.0)
SWEEPS = st.sampled_from([-1.0, 0.0, 2.0]) | st.floats(-1.0, 2.0)
RESONANCES = st.sampled_from([0.5, 10.0]) | st.floats(0.5, 10.0)
FILTERS = {
    "high_pass": (biquad.high_pass, lambda k, q: [1.0, -2.0, 1.0]),
    "band_pass": (biquad.band_pass, lambda k, q: [k / q, 0.0, -k / q]),
    "low_pass": (biquad.low_pass, lambda k, q: [k * k, 2.0 * k * k, k * k]),
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """As training computes: threads of torch that wait for each other would take most of the time."""
    with undisturbed():
        yield


def _column(*values):
    return torch.tensor(values, dtype=torch.float64)


def _with_gradients(block, inputs, scale=1.0):
    """Values of a block, and what a fixed random gradient of its result becomes at each input."""
    leaves = [value.clone().requires_grad_() for value in inputs]
    result = block(*leaves)
    upward = torch.from_numpy(np.random.default_rng(1).standard_normal(tuple(result.shape)))
    result.backward(upward)
    return result.detach(), [leaf.grad for leaf in leaves]


def _assert_same(kernel, plain, inputs, error=1e-9, gradient_error=1e-6):
    values, gradients = _with_gradients(kernel, inputs)
    expected, expected_gradients = _with_gradients(plain, inputs)
    scale = expected.abs().max()
    assert (values - expected).abs().max() <= error * scale
    for gradient, expected_gradient in zip(gradients, expected_gradients, strict=True):
        assert torch.isfinite(gradient).all()
        assert (
            gradient - expected_gradient
        ).abs().max() <= gradient_error * expected_gradient.abs().max() + 1e-9 * scale


def _without_kernel(function):
    """Run a block as on a device without kernels."""

    def plain(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            for module in (biquad, envelope, oscillator, snare808):
                patch.setattr(module, "has_kernel", lambda *tensors: False)
            return function(*arguments)

    return plain


@settings(max_examples=30)
@given(decay_ms=DECAYS_MS, sample_rate=st.sampled_from([44100.0, 48000.0, 96000.0]))
def test_the_envelope_is_that_of_the_voice(decay_ms, sample_rate):
    record = np.zeros(1, streaming_envelope.STATE)[0]
    streaming_envelope.trigger(record, decay_ms, sample_rate, 1.0)
    heard, n = np.zeros(FRAMES), 0
    while n < FRAMES and streaming_envelope.is_active(record):
        size = streaming_envelope.frames_left(record, FRAMES - n)
        streaming_envelope.render(record, heard[n:], size)
        n += size
    ours = envelope.decay_envelope(_column(decay_ms), FRAMES, sample_rate)[0].numpy()
    np.testing.assert_allclose(ours[:n], heard[:n], atol=1e-12)
    assert (ours[n:] <= 1e-7).all()


@settings(max_examples=20)
@given(decay_ms=DECAYS_MS, gain=st.floats(0.001, 30.0), sample_rate=st.sampled_from([44100.0, 96000.0]))
def test_the_kernel_of_the_burst(decay_ms, gain, sample_rate):
    def block(function):
        return lambda decay_ms, amplitude: function(SIGNAL[0], decay_ms, amplitude, sample_rate)

    inputs = _column(decay_ms, 100.0), _column(gain, 1.0)
    _assert_same(block(envelope.burst), block(envelope.reference_burst), inputs)


def test_the_kernel_of_the_envelope():
    def block(function):
        return lambda decay_ms: function(decay_ms, FRAMES, RATE)

    _assert_same(
        block(envelope.decay_envelope), block(envelope.reference_decay_envelope), [_column(1.0, 10.0, 300.0, 2000.0)]
    )


@settings(max_examples=40)
@given(hertz=HERTZ, sweep=SWEEPS, sweep_decay_ms=DECAYS_MS, decay_ms=DECAYS_MS)
@example(hertz=24000.0, sweep=2.0, sweep_decay_ms=10.0, decay_ms=2000.0)
@example(hertz=20.0, sweep=-1.0, sweep_decay_ms=2000.0, decay_ms=2000.0)
def test_the_kernel_of_the_swept_sine(hertz, sweep, sweep_decay_ms, decay_ms):
    def block(function):
        return lambda *scalars: function(*scalars, FRAMES, RATE)

    inputs = [
        _column(value, other)
        for value, other in zip(
            (hertz, sweep, sweep_decay_ms, decay_ms, 0.5), (200.0, 0.4, 50.0, 200.0, 1.0), strict=True
        )
    ]
    _assert_same(block(oscillator.swept_sine), block(oscillator.reference_swept_sine), inputs)


@settings(max_examples=20)
@given(hertz=HERTZ, sweep=SWEEPS, decay_ms=DECAYS_MS)
def test_the_swept_sine_sums_its_frequency(hertz, sweep, decay_ms):
    e_f, level = (_endless(ms) for ms in (decay_ms, 400.0))
    held_hz = min(hertz, 0.49 * RATE)
    held_sweep = min(sweep, 0.49 * RATE / held_hz - 1.0)
    expected = 0.7 * level * reference.oscillator(held_hz, held_sweep, e_f, RATE)
    scalars = [_column(value) for value in (hertz, sweep, decay_ms, 400.0, 0.7)]
    np.testing.assert_allclose(oscillator.swept_sine(*scalars, FRAMES, RATE)[0], expected, atol=1e-9)


def _endless(decay_ms):
    ratio = 1.0 - 6.91 / (decay_ms * RATE / 1000.0)
    return np.concatenate([np.arange(1.0, 45.0) / 44.0, ratio ** np.arange(FRAMES - 44.0)])


def test_the_phase_starts_at_0_and_sums_what_came_before():
    frequency = torch.from_numpy(np.random.default_rng(2).uniform(20.0, 2000.0, (3, 500)))
    phase = oscillator.phase_turns(frequency, RATE).numpy()
    assert (phase[:, 0] == 0.0).all()
    np.testing.assert_allclose(phase[:, 1:], np.cumsum(frequency.numpy(), axis=1)[:, :-1] / RATE, rtol=1e-12)


@pytest.mark.parametrize("name", FILTERS)
@settings(max_examples=30)
@given(cutoff_hz=HERTZ, q=RESONANCES)
@example(cutoff_hz=20.0, q=10.0)
@example(cutoff_hz=24000.0, q=0.5)
def test_the_filters_are_those_of_scipy(name, cutoff_hz, q):
    filter_, numerator = FILTERS[name]
    k = np.tan(np.pi * min(cutoff_hz / RATE, 0.49))
    b, a = numerator(k, q), [1.0 + k / q + k * k, 2.0 * (k * k - 1.0), 1.0 - k / q + k * k]
    heard = filter_(SIGNAL, _column(cutoff_hz, cutoff_hz), _column(q, q), RATE)
    np.testing.assert_allclose(heard, lfilter(b, a, SIGNAL.numpy()), atol=1e-8)


@pytest.mark.parametrize("name", FILTERS)
@settings(max_examples=20)
@given(cutoff_hz=HERTZ, q=RESONANCES)
@example(cutoff_hz=20.0, q=10.0)
@example(cutoff_hz=20.0, q=0.5)
@example(cutoff_hz=24000.0, q=0.5)
def test_the_kernel_of_the_filters(name, cutoff_hz, q):
    filter_, _ = FILTERS[name]

    def block(x, cutoff_hz, q):
        return filter_(x, cutoff_hz, q, RATE)

    _assert_same(block, _without_kernel(block), [SIGNAL, _column(cutoff_hz, 1000.0), _column(q, 2.0)])


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.8), (0.0, 1.0)])
def test_the_kernel_of_the_snare_is_its_blocks(low, high):
    """Which are held against plain PyTorch one by one: all of them at once only in the middle of the ranges."""
    unit = torch.from_numpy(np.random.default_rng(2).uniform(low, high, (5, len(SNARE))))
    values = unit_to_values(SNARE, unit)

    def block(values):
        return snare808.render(values, FRAMES, RATE, SIGNAL[0])

    def blocks(values):
        return snare808.reference_render(values, FRAMES, RATE, SIGNAL[0])

    _assert_same(block, blocks, [values], error=1e-10, gradient_error=1e-9)
    if low > 0.0:
        _assert_same(block, _without_kernel(block), [values])


def test_the_band_pass_has_a_gain_of_1_at_its_centre_and_the_high_pass_that_of_q():
    sine = torch.sin(2.0 * np.pi * 1000.0 / RATE * torch.arange(20000, dtype=torch.float64))[None]
    for filter_, gain in ((biquad.band_pass, 1.0), (biquad.high_pass, 3.0), (biquad.low_pass, 3.0)):
        heard = filter_(sine, _column(1000.0), _column(3.0), RATE)[0, 10000:]
        assert heard.abs().max() == pytest.approx(gain, rel=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 43, 44, 45, 107, 108, 109, 300])
def test_gradients_are_finite_differences_at_any_length(frames):
    scalars = [_column(value, 0.7 * value) for value in (900.0, 0.5, 15.0, 30.0, 0.8)]
    assert torch.autograd.gradcheck(
        lambda *scalars: oscillator.swept_sine(*scalars, frames, RATE),
        [scalar.requires_grad_() for scalar in scalars],
        atol=1e-4,
    )
    decays = [_column(15.0, 40.0).requires_grad_(), _column(0.5, 2.0).requires_grad_()]
    assert torch.autograd.gradcheck(lambda *scalars: envelope.burst(SIGNAL[0, :frames], *scalars, RATE), decays)
    x = SIGNAL[:, : min(frames, 50)].clone().requires_grad_()
    shape = [_column(700.0, 9000.0).requires_grad_(), _column(4.0, 0.5).requires_grad_()]
    assert torch.autograd.gradcheck(lambda x, *shape: biquad.high_pass(x, *shape, RATE), [x, *shape], atol=1e-6)


def _everything(rows):
    generator = np.random.default_rng(3)

    def draw(low, high):
        return torch.from_numpy(generator.uniform(low, high, rows)).requires_grad_()

    leaves = [draw(*span) for span in ((100, 900), (-1, 2), (10, 90), (10, 900), (0.1, 2), (100, 9000), (0.5, 5))]
    hz, sweep, sweep_ms, ms, amplitude, cutoff_hz, q = leaves
    sound = oscillator.swept_sine(hz, sweep, sweep_ms, ms, amplitude, FRAMES, RATE)
    sound = sound + biquad.high_pass(envelope.burst(SIGNAL[0], ms, amplitude, RATE), cutoff_hz, q, RATE)
    unit = torch.from_numpy(generator.uniform(0.2, 0.8, (rows, len(SNARE)))).requires_grad_()
    snare = snare808.render(unit_to_values(SNARE, unit), FRAMES, RATE, SIGNAL[0])
    sound = torch.tanh(sound + snare)
    sound.square().sum().backward()
    return [sound.detach(), *(leaf.grad for leaf in (*leaves, unit))]


@pytest.mark.parametrize("rows", [1, 3, 16])
def test_the_number_of_threads_changes_no_bit(rows):
    results = []
    try:
        for number in (1, 2, 5):
            threads.use_threads(number)
            results.append(_everything(rows))
    finally:
        threads.use_threads(None)
    for result in results[1:]:
        for one, other in zip(results[0], result, strict=True):
            np.testing.assert_array_equal(one, other)


def test_other_tensors_than_those_of_the_kernels_are_computed_in_plain_pytorch():
    scalars = [_column(value).float() for value in (200.0, 0.4, 50.0, 200.0, 1.0)]
    heard = oscillator.swept_sine(*scalars, 500, RATE)
    assert heard.dtype == torch.float32
    expected = oscillator.swept_sine(*(scalar.double() for scalar in scalars), 500, RATE)
    assert (heard - expected).abs().max() < 1e-4


def test_rows_with_strides_are_taken_as_they_are():
    wide = torch.stack([SIGNAL, -SIGNAL], dim=2)
    shape = _column(1000.0, 2000.0), _column(1.0, 2.0)
    x = wide[:, :, 0].requires_grad_()
    assert not x.is_contiguous()
    heard = biquad.low_pass(x, *shape, RATE)
    np.testing.assert_array_equal(heard.detach(), biquad.low_pass(SIGNAL, *shape, RATE))
    heard.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_no_hits_give_no_sounds():
    none = torch.empty(0, dtype=torch.float64)
    assert oscillator.swept_sine(none, none, none, none, none, 100, RATE).shape == (0, 100)
    assert envelope.burst(SIGNAL[0], none, none, RATE).shape == (0, FRAMES)
    assert biquad.high_pass(SIGNAL[:0], none, none, RATE).shape == (0, FRAMES)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 + 1])
def test_the_noise_is_that_of_the_voice(seed):
    record, out = np.zeros(1, streaming_noise.STATE)[0], np.empty(1000)
    streaming_noise.seed(record, seed)
    streaming_noise.render(record, np.ones(1000), out, 1000)
    np.testing.assert_array_equal(white_noise(seed, 1000), out)
    np.testing.assert_array_equal(white_noise(seed, 1000), reference.white_noise(seed, 1000))


def test_amplitudes_of_levels():
    levels = _column(-60.0, -6.0, 0.0, 20.0)
    np.testing.assert_allclose(biquad.db_amplitude(levels), 10.0 ** (levels.numpy() / 20.0), rtol=1e-14)


def test_memory_is_used_again_once_nothing_holds_it():
    shape = (3, 1234567)
    first = memory.empty(*shape)
    address, tensor, view = first.ctypes.data, torch.from_numpy(first)[1:], first[2]
    del first
    assert memory.empty(*shape).ctypes.data != address
    del tensor
    assert memory.empty(*shape).ctypes.data != address
    del view
    assert address in {array.ctypes.data for array in [memory.empty(*shape) for _ in range(2)]}


def test_spare_memory_is_given_back_and_what_is_in_use_once_it_is_no_longer():
    used, spare = memory.empty(5, 1234567), memory.empty(5, 1234567)
    used[:] = 1.0
    of_used, of_spare = (weakref.ref(array.base._memory) for array in (used, spare))
    del spare
    assert of_spare() is not None
    memory.release()
    assert of_spare() is None
    assert used.all()
    del used
    assert of_used() is None


def test_sounds_and_gradients_of_a_step_outlive_the_next():
    def step(seed):
        unit = torch.from_numpy(np.random.default_rng(seed).uniform(0.2, 0.8, (2, len(SNARE))))
        values = unit_to_values(SNARE, unit).requires_grad_()
        sound = snare808.render(values, SOUND_FRAMES, RATE, samples)
        features = long_term_features(sound)
        (by_sound,) = torch.autograd.grad(features.sum(), sound, retain_graph=True)
        return sound, by_sound, torch.autograd.grad(features.sum(), values)[0]

    samples = white_noise(0, SOUND_FRAMES)
    kept = step(1)
    copies = [tensor.detach().clone() for tensor in kept]
    others = step(2)
    assert not torch.equal(others[0], kept[0])
    for now, before, again in zip(kept, copies, step(1), strict=True):
        assert torch.equal(now, before)
        assert torch.equal(again, before)
