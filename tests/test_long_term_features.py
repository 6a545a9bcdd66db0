"""Long-term features: the torch form against an independent one, the compiled form against the torch form."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.signal import convolve, get_window  # noqa: E402

from remapd.errors import FieldError  # noqa: E402
from remapd.training.ddsp.features import frame_weights, long_term_features, reference_features  # noqa: E402
from remapd.training.ddsp.features_temporal import temporal_centroid, weightings  # noqa: E402
from remapd.training.ddsp.twin import get_twin, white_noise  # noqa: E402
from remapd.training.kernels.k_weighting import k_weighting  # noqa: E402
from remapd.training.kernels.threads import use_threads  # noqa: E402
from remapd.training.long_term import FRAME, FRAMES, HOP, LONG_TERM, SOUND_FRAMES, TRAINING_RATE_HZ  # noqa: E402
from remapd.training.torch_state import undisturbed  # noqa: E402
from tests.long_term_reference import long_term  # noqa: E402
from tests.recordings import SNARES, require_audio_folder, snare_performance  # noqa: E402

RANDOM = np.random.default_rng(1)
TIME = np.arange(SOUND_FRAMES)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """As training computes: threads of torch that wait for each other would take most of the time."""
    with undisturbed():
        yield


def noise(level=1.0):
    return level * RANDOM.uniform(-1.0, 1.0, SOUND_FRAMES)


SOUNDS = {
    "noise": noise(),
    "loud noise": noise(8.0),
    "quiet noise": noise(1e-6),
    "inaudible noise": noise(1e-12),
    "burst": noise() * np.exp(-TIME / 900.0),
    "burst, then silence": np.where(TIME < 3000, noise(), 0.0),
    "late burst": np.where(TIME < 30000, 0.0, noise()),
    "sine": np.sin(0.05 * TIME) * np.exp(-TIME / 9000.0),
    "low sine": 0.5 * np.sin(0.003 * TIME + 1.0),
    "impulse": np.where(TIME == 0, 1.0, 0.0),
    "constant": np.full(SOUND_FRAMES, 0.3),
    "silence": np.zeros(SOUND_FRAMES),
}
BATCH = torch.from_numpy(np.stack(list(SOUNDS.values())))


def snare_hits(count=2):
    folder = require_audio_folder()
    hits = []
    for snare, performance in SNARES[::2]:
        recording = snare_performance(folder, snare, performance)
        starts = (recording.onsets_s[:count] * recording.sample_rate).astype(int)
        hits += [recording.samples[start:][:SOUND_FRAMES] for start in starts]
    return torch.from_numpy(np.stack([np.pad(hit, (0, SOUND_FRAMES - hit.size)) for hit in hits]))


def snare_renders():
    presets = [
        [500, 0.42, 700, 1, 787, 100, 200, 1949, 3915, 6, -50, -50, -25, 13],
        [180, 0.4, 240, 0.3, 50, 200, 150, 200, 2500, 2, -6, -12, -4, -12],
    ]
    values = torch.tensor(presets, dtype=torch.float64)
    return get_twin("snare808")(values, SOUND_FRAMES, TRAINING_RATE_HZ, white_noise(0, SOUND_FRAMES))


def gradients(features, sound, weight):
    sound = sound.clone().requires_grad_()
    return torch.autograd.grad((features(sound) * weight).sum(), sound)[0]


def plain(sound, horizon_frames=None):
    return reference_features(sound, frame_weights(sound, horizon_frames))


def test_k_weighting_at_48_khz_is_the_table_of_the_recommendation():
    shelf_b, shelf_a = (
        [1.53512485958697, -2.69169618940638, 1.19839281085285],
        [1.0, -1.69065929318241, 0.73248077421585],
    )
    high_pass_b, high_pass_a = [1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621]
    table = [[shelf_b, shelf_a], [high_pass_b, high_pass_a]]
    assert np.allclose(k_weighting(48000.0), table, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("form", [plain, long_term_features])
def test_values_are_those_of_the_published_formulas(form):
    horizons = torch.arange(len(SOUNDS)) % 3 * 31 + 4
    expected = [long_term(sound, int(horizon)) for sound, horizon in zip(BATCH.numpy(), horizons, strict=True)]
    assert np.allclose(form(BATCH, horizons), expected, rtol=0.0, atol=1e-9)


def test_values_of_recorded_hits_are_those_of_the_published_formulas():
    hits = snare_hits()
    expected = [long_term(hit) for hit in hits.numpy()]
    assert np.allclose(plain(hits), expected, rtol=0.0, atol=1e-9)
    assert np.allclose(long_term_features(hits), expected, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("name", ["noise", "loud noise", "burst"])
def test_gradients_are_slopes_of_the_independent_form(name):
    """Along a random direction; sounds at a floor are left out, where the formulas have a kink."""
    sounds = torch.from_numpy(SOUNDS[name]).expand(len(LONG_TERM), -1).clone().requires_grad_()
    direction = RANDOM.normal(size=SOUND_FRAMES) * (np.abs(SOUNDS[name]) + 0.1 * np.std(SOUNDS[name]))
    step = 1e-8
    ahead, behind = (long_term(SOUNDS[name] + sign * step * direction) for sign in (1, -1))
    long_term_features(sounds).diagonal().sum().backward()
    slopes = sounds.grad @ torch.from_numpy(direction)
    assert np.allclose(slopes, (ahead - behind) / (2.0 * step), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sounds", [lambda: BATCH, snare_hits, snare_renders], ids=["signals", "recordings", "renders"])
def test_compiled_form_is_the_torch_form(sounds):
    batch = sounds().clone().requires_grad_()
    horizons = 3 + 9 * torch.arange(len(batch)) % 64
    compiled, expected = long_term_features(batch, horizons), plain(batch, horizons)
    assert torch.allclose(compiled, expected, rtol=0.0, atol=1e-9)
    # one feature of each hit, and random shares of all
    units = torch.eye(len(LONG_TERM), dtype=torch.float64)[torch.arange(len(batch)) % len(LONG_TERM)]
    for weight in (units, units.roll(3, dims=1), torch.from_numpy(RANDOM.normal(size=units.shape))):
        by_compiled, by_expected = (
            torch.autograd.grad((features * weight).sum(), batch, retain_graph=True)[0]
            for features in (compiled, expected)
        )
        largest = by_expected.abs().amax(dim=1, keepdim=True).clamp(min=1e-30)
        assert ((by_compiled - by_expected) / largest).abs().max() < 1e-6


@pytest.mark.parametrize("form", [plain, long_term_features])
def test_silence_has_finite_features_and_gradients(form):
    quiet = torch.stack([torch.zeros(SOUND_FRAMES), torch.full((SOUND_FRAMES,), 1e-300)]).double()
    assert torch.isfinite(form(quiet)).all()
    assert torch.isfinite(gradients(form, quiet, 1.0)).all()


def test_samples_after_the_horizon_do_not_count():
    horizon = 20
    end = (horizon - 1) * HOP + FRAME
    batch, horizons = BATCH[:3].clone(), torch.full((3,), horizon)
    features, gradient = (
        long_term_features(batch, horizons),
        gradients(lambda x: long_term_features(x, horizons), batch, 1.0),
    )
    batch[:, end:] = 0.7
    assert torch.equal(long_term_features(batch, horizons), features)
    assert not gradient[:, end:].any()
    assert gradient[:, end - HOP : end].any()


def test_a_horizon_of_all_frames_is_none():
    assert torch.equal(long_term_features(BATCH, torch.full((len(BATCH),), FRAMES)), long_term_features(BATCH))


def test_hits_do_not_depend_on_each_other_nor_on_the_number_of_threads():
    weight = torch.linspace(-1.0, 1.0, len(LONG_TERM), dtype=torch.float64)
    try:
        found = []
        for number in (1, 2, 5):
            use_threads(number)
            found.append((long_term_features(BATCH), gradients(long_term_features, BATCH, weight)))
    finally:
        use_threads(None)
    for features, gradient in found:
        assert torch.equal(features, found[0][0])
        assert torch.equal(gradient, found[0][1])
    assert torch.equal(long_term_features(BATCH[3:4]), found[0][0][3:4])


def test_weightings_stand_for_the_convolution():
    power = SOUNDS["burst"][: len(weightings(torch.device("cpu")))] ** 2
    envelope = convolve(power, get_window("hann", FRAME), "same", "direct")
    ms = 1000.0 * np.arange(envelope.size) / TRAINING_RATE_HZ
    total, moment = power @ weightings(torch.device("cpu")).numpy()
    assert total == pytest.approx(envelope.sum(), rel=1e-12)
    assert moment == pytest.approx(envelope @ ms, rel=1e-12)


def test_temporal_centroid_rises_with_the_decay():
    envelopes = torch.exp(-torch.from_numpy(TIME) / torch.tensor([[300.0], [1000.0], [3000.0]], dtype=torch.float64))
    assert (temporal_centroid(envelopes).diff() > 0.0).all()


def test_any_float_is_taken_and_no_hits_are():
    assert torch.allclose(long_term_features(BATCH.float()), long_term_features(BATCH.float().double()))
    assert long_term_features(BATCH[:0]).shape == (0, len(LONG_TERM))
    assert long_term_features(BATCH[:, ::1].T.contiguous().T).dtype == torch.float64


def test_features_of_sounds_within_full_scale_lie_in_the_tables_ranges():
    within = [name for name in SOUNDS if name != "loud noise"]
    features = long_term_features(torch.from_numpy(np.stack([SOUNDS[name] for name in within]))).numpy()
    assert (features >= LONG_TERM.minimum).all()
    assert (features <= LONG_TERM.maximum).all()


def test_a_sound_of_another_length_is_refused():
    with pytest.raises(FieldError, match=rf"sound: expected shape \(hits, {SOUND_FRAMES}\), got \(2, 44100\)"):
        long_term_features(torch.zeros(2, 44100))


@pytest.mark.parametrize("horizons", [[2], [67], [10, 10], [[5]]])
def test_a_horizon_that_does_not_fit_is_refused(horizons):
    with pytest.raises(FieldError, match="horizon_frames: expected a whole number from 3 to 66"):
        long_term_features(BATCH[:1], torch.tensor(horizons))
