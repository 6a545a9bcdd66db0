"""The table of recipes, against the publication's, and the parts that need no training to be tested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from remapd.errors import FieldError
from remapd.training.recipes import DIRECT, RECIPES, DirectRecipe, Recipe, get_recipe
from remapd.training.result import Differences, rank_correlation
from remapd.training.schedule import halved_on_plateau


@pytest.mark.parametrize(
    ("name", "hidden", "init_std", "rate"),
    [("nime2024-linear", [], 1e-6, 5e-3), ("nime2024", [32], 1e-3, 5e-4), ("nime2024-mlp-large", [64] * 3, 1e-3, 5e-4)],
)
@pytest.mark.parametrize("is_centred", [True, False])
@pytest.mark.parametrize("samples", [256, 2048])
def test_published_recipes(name, hidden, init_std, rate, is_centred, samples):
    full = name + ("" if is_centred else "-uncentred") + ("" if samples == 256 else "-2048")
    recipe = get_recipe(full)
    assert [recipe.width] * recipe.layers == hidden
    assert (recipe.init_std, recipe.learning_rate, recipe.is_centred) == (init_std, rate, is_centred)
    assert (recipe.batch, recipe.epochs, recipe.patience) == (16, 250, 20)
    assert recipe.features.window_frames(48000.0) == samples


def test_direct_optimisation_is_as_published():
    assert (DIRECT.learning_rate, DIRECT.steps, DIRECT.patience) == (5e-3, 1000, 50)


def test_names_say_what_they_are():
    assert "default" in RECIPES
    assert all(name == recipe.name and recipe.description for name, recipe in RECIPES.items())
    settings = RECIPES["default"].settings()
    assert "name" not in settings
    assert all(isinstance(text, str) and text for text in settings.values())


def test_unknown_name_gets_the_nearest():
    with pytest.raises(FieldError, match="did you mean nime2024-linear"):
        get_recipe("nime2024-liner")


@pytest.mark.parametrize(
    ("field", "value"), [("layers", 8), ("width", 0), ("batch", 1.5), ("learning_rate", 0.0), ("window_ms", 99.0)]
)
def test_numbers_are_checked(field, value):
    with pytest.raises(FieldError) as error:
        replace(RECIPES["nime2024"], **{field: value})
    assert error.value.field == f"recipe.{field}"
    with pytest.raises(FieldError):
        DirectRecipe("direct", "", steps=0)
    assert Recipe("whole", "", epochs=3.0).epochs == 3


def test_epochs_or_steps_are_counted():
    assert replace(RECIPES["nime2024"], epochs=7).epochs_of(1000) == 7
    counted = replace(RECIPES["nime2024"], epochs=0, steps=600)
    assert [counted.epochs_of(hits) for hits in (16, 17, 160, 100000)] == [600, 300, 60, 1]
    for epochs, steps in ((0, 0), (5, 5)):
        with pytest.raises(FieldError, match="either epochs or steps"):
            replace(RECIPES["nime2024"], epochs=epochs, steps=steps)


def test_rate_is_halved_when_the_loss_does_not_fall():
    falling = list(np.linspace(2.0, 1.0, 30))
    assert halved_on_plateau(1.0, 20, falling) == 1.0
    assert halved_on_plateau(1.0, 20, [*falling, *[1.0] * 20]) == 1.0
    assert halved_on_plateau(1.0, 20, [*falling, *[1.0] * 21]) == 0.5
    assert halved_on_plateau(1.0, 20, [*falling, *[1.0] * 41]) == 0.5
    assert halved_on_plateau(1.0, 20, [*falling, *[1.0] * 42]) == 0.25


@pytest.mark.parametrize("seed", range(5))
def test_rate_follows_torch(seed):
    torch = pytest.importorskip("torch")
    losses = np.random.default_rng(seed).normal(2.0, 0.1, 300)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=20)
    for i, loss in enumerate(losses):
        assert halved_on_plateau(1.0, 20, losses[:i]) == optimiser.param_groups[0]["lr"]
        schedule.step(loss)


def test_rank_correlation_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(0)
    x = random.integers(0, 6, 20).astype(float)
    y = x + random.normal(0.0, 2.0, 20)
    np.testing.assert_allclose(rank_correlation(x, y), stats.spearmanr(x, y).statistic)
    assert np.isnan(rank_correlation(x, np.ones(20)))


def test_errors_leave_out_what_does_not_count():
    wanted, reached = np.zeros((3, 7)), np.tile([[1.0], [-2.0], [6.0]], (1, 7))
    counted = np.ones((3, 7), bool)
    counted[2, 0] = False
    errors = Differences(wanted, reached, counted).errors()
    np.testing.assert_allclose(errors.mean, [1.5, *[3.0] * 6])
    np.testing.assert_allclose(errors.deviation, [0.5, *[np.std([1.0, 2.0, 6.0])] * 6])
    np.testing.assert_allclose(errors.overall, (1.5 + 18.0) / 7.0)
    np.testing.assert_array_equal(Differences(wanted, reached, counted).bare_errors().mean, 0.0)
