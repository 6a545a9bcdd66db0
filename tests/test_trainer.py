"""Training from hits to a model: what it computes, that it repeats, that it goes on where it was broken off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from remapd.errors import FieldError, TrainingError  # noqa: E402
from remapd.features.descriptors import FeatureSpec  # noqa: E402
from remapd.mapping.bundle import load_model, save_model  # noqa: E402
from remapd.training.kernels.threads import use_threads  # noqa: E402
from remapd.training.long_term import LONG_TERM  # noqa: E402
from remapd.training.objective import Objective, measured  # noqa: E402
from remapd.training.recipes import RECIPES  # noqa: E402
from remapd.training.result import PARTS  # noqa: E402
from remapd.training.splits import Split  # noqa: E402
from remapd.training.trainer import train  # noqa: E402
from tests.training_hits import WHOLE_S, played_hits, preset  # noqa: E402

CPU = torch.device("cpu")
SHORT = replace(RECIPES["nime2024"], epochs=4, bandwidth_hz=FeatureSpec().bandwidth_hz)


@pytest.fixture(scope="module")
def hits():
    return played_hits()


@pytest.fixture(scope="module")
def result(hits):
    return train(hits, preset(), SHORT)


def weights(result):
    return np.concatenate([array.ravel() for array in result.model.network.weights])


def test_loss_falls(result):
    assert result.history.train_loss[-1] < result.history.train_loss[0]
    assert len(result.history.train_loss) == SHORT.epochs


def test_model_is_one_of_ours(result, tmp_path):
    save_model(result.model, tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    assert loaded.preset.name == "snare_1"
    assert loaded.sample_rate_hz == 44100.0
    assert loaded.provenance["recipe"] == "nime2024"
    for kept, saved in zip(loaded.network.weights, result.model.network.weights, strict=True):
        np.testing.assert_array_equal(kept, saved)


def test_differences_are_those_of_the_model_as_it_plays(hits, result):
    objective = Objective(hits, preset(), uses_horizons=False, device=CPU)
    indices = torch.tensor([0, len(hits) - 1])
    modulation = np.stack([result.model.modulation(hits.onset_features[i]) for i in indices])
    with torch.no_grad():
        reached = objective.reached(torch.from_numpy(modulation), indices)
    np.testing.assert_allclose(result.differences.reached[indices.numpy()], reached.numpy(), atol=1e-9)


def test_engine_answers_as_the_twin_computes(result):
    assert result.answers.largest.max() < 2e-3
    np.testing.assert_array_equal(result.answers.indices, result.split.test)
    assert np.abs(result.answers.sounds).max() > 0.01


def test_wanted_differences_are_from_the_median_hit(hits, result):
    loudness = result.differences.wanted[:, LONG_TERM.index("loudness_t_db")]
    np.testing.assert_array_equal(result.differences.wanted[result.reference], 0.0)
    assert abs(np.median(loudness)) < 2.0
    features = measured(torch.from_numpy(hits.sounds).double(), torch.full((len(hits),), 66)).numpy()
    np.testing.assert_allclose(result.differences.wanted, features - features[result.reference], atol=1e-9)


def test_same_weights_each_time_whatever_the_number_of_threads(hits, result):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        use_threads(5)
        again = train(hits, preset(), SHORT)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
        use_threads(None)
    np.testing.assert_array_equal(weights(again), weights(result))
    assert (weights(train(hits, preset(), replace(SHORT, epochs=1), seed=1)) != weights(result)).any()


def test_nothing_of_torch_is_changed(hits):
    random, threads, default = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    with torch.no_grad():
        train(hits, preset(), replace(SHORT, epochs=1))
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), random)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, default)


def test_resumed_training_gives_the_same_weights(hits, result, tmp_path):
    path = tmp_path / "m.checkpoint"
    calls = iter([False, True])
    first = train(hits, preset(), SHORT, checkpoint=path, stop=lambda: next(calls))
    assert first.ending == "stopped"
    assert len(first.history.train_loss) == 2
    resumed = train(hits, preset(), SHORT, checkpoint=path, resume=True)
    assert resumed.ending == "finished"
    np.testing.assert_array_equal(weights(resumed), weights(result))
    np.testing.assert_array_equal(resumed.history.validation_loss, result.history.validation_loss)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seed": 1}, "checkpoint.s"),
        ({"recipe": replace(SHORT, width=16)}, "checkpoint.recipe.width"),
        ({"recipe": replace(SHORT, learning_rate=SHORT.learning_rate * (1.0 + 1e-9))}, "checkpoint.recipe.learning"),
        ({"preset": preset("snare_3")}, "checkpoint.preset"),
        ({"hits": played_hits(seed=1)}, "checkpoint.data"),
    ],
)
def test_checkpoint_of_another_training_is_refused(hits, tmp_path, change, field):
    path = tmp_path / "m.checkpoint"
    short = {"hits": hits, "preset": preset(), "recipe": SHORT}
    train(**short, checkpoint=path, stop=lambda: True)
    with pytest.raises(FieldError) as error:
        train(**{**short, **change}, checkpoint=path, resume=True)
    assert error.value.field.startswith(field)


def test_other_words_for_a_recipe_are_no_other_training(hits, tmp_path):
    path = tmp_path / "m.checkpoint"
    train(hits, preset(), SHORT, checkpoint=path, stop=lambda: True)
    reworded = replace(SHORT, name="renamed", description="said in another way")
    assert train(hits, preset(), reworded, checkpoint=path, resume=True).ending == "finished"


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint at all", bytes(1000)])
def test_checkpoint_that_is_none_is_refused(hits, tmp_path, content):
    path = tmp_path / "m.checkpoint"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"m\.checkpoint"):
        train(hits, preset(), SHORT, checkpoint=path, resume=True)


def test_model_file_is_no_checkpoint(hits, result, tmp_path):
    save_model(result.model, tmp_path / "m.safetensors")
    with pytest.raises(TrainingError, match="damaged or none at all"):
        train(hits, preset(), SHORT, checkpoint=tmp_path / "m.safetensors", resume=True)


def test_stopped_training_has_the_best_weights_so_far(hits, result):
    stopped = train(hits, preset(), SHORT, stop=lambda: True)
    assert len(stopped.history.train_loss) == 1
    assert stopped.history.best_epoch == 0
    assert stopped.history.validation_loss[0] == result.history.validation_loss[0]


def test_progress_tells_of_each_epoch(hits):
    told = []
    train(hits, preset(), replace(SHORT, epochs=2), progress=told.append)
    assert [(p.epoch, p.epochs) for p in told] == [(1, 2), (2, 2)]
    assert told[-1].left_s == 0.0
    assert told[-1].best_loss == min(p.validation_loss for p in told)


def test_split_can_be_given_and_is_kept(hits):
    split = Split(np.arange(4, 18), np.array([0, 1]), np.array([2, 3]))
    given = train(hits, preset(), replace(SHORT, epochs=1), split=split)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(given.split, part), getattr(split, part))
    assert given.part("test").wanted.shape == (2, 7)


def test_default_recipe_trains_on_all_but_the_test(hits):
    recipe = replace(RECIPES["default"], epochs=3, steps=0)
    result = train(hits, preset(), recipe, test=0.2)
    assert (len(result.split.train), len(result.split.validation), len(result.split.test)) == (14, 0, 4)
    assert result.history.validation_loss.size == 0
    assert result.history.best_epoch == 2
    assert result.model.scaler.names == recipe.inputs
    np.testing.assert_array_equal(weights(train(hits, preset(), recipe, test=0.2)), weights(result))


def test_default_recipe_can_be_resumed(hits, tmp_path):
    recipe, path = replace(RECIPES["default"], epochs=2, steps=0), tmp_path / "m.checkpoint"
    told = []
    train(hits, preset(), recipe, checkpoint=path, stop=lambda: True, progress=told.append)
    assert told[0].validation_loss is None
    resumed = train(hits, preset(), recipe, checkpoint=path, resume=True)
    np.testing.assert_array_equal(weights(resumed), weights(train(hits, preset(), recipe)))


def test_split_without_validation_is_refused(hits):
    with pytest.raises(FieldError, match="validate"):
        train(hits, preset(), SHORT, split=Split(np.arange(18), np.array([], np.int64), np.array([], np.int64)))


def test_window_of_the_recipe_is_needed(hits):
    with pytest.raises(FieldError, match="recipe"):
        train(hits, preset(), RECIPES["nime2024-2048"])


def test_hits_cut_short_are_compared_over_what_is_heard(hits):
    horizon_s = np.full(len(hits), WHOLE_S)
    horizon_s[3], horizon_s[4] = 0.3, 0.1
    cut = replace(hits, horizon_s=horizon_s, sounds=hits.sounds.copy())
    cut.sounds[3, round(0.3 * 44100) :] = 0.0
    objective = Objective(cut, preset(), uses_horizons=True, device=CPU)
    temporal, flatness = LONG_TERM.index("temporal_centroid"), LONG_TERM.index("flatness_s_db")
    assert not objective.counted[4, temporal]
    assert objective.counted.sum() == 7 * len(hits) - 1
    # The rest of the sound is silence, whose flatness is 0 dB; nothing of that is asked of the synth.
    as_they_are = Objective(cut, preset(), uses_horizons=False, device=CPU)
    whole = Objective(hits, preset(), uses_horizons=False, device=CPU)
    assert abs(as_they_are.wanted[3, flatness] - whole.wanted[3, flatness]) > 4.0
    assert abs(objective.wanted[3, flatness] - whole.wanted[3, flatness]) < 1.0
    bare = objective.reached(torch.zeros(len(hits), 14, dtype=torch.float64), torch.arange(len(hits)))
    np.testing.assert_allclose(bare.numpy(), 0.0, atol=1e-9)


def test_fast_playing_of_which_no_hit_has_a_temporal_centroid(hits):
    """The horizon of each hit is shorter than that feature needs."""
    quick = replace(hits, horizon_s=np.full(len(hits), 0.1))
    result = train(quick, preset(), replace(RECIPES["default"], epochs=1, steps=0))
    assert all(np.isfinite(weight).all() for weight in result.model.network.weights)
