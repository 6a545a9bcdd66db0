"""Parts of our own recipe: the cosine, what can be foreseen, the loss that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from remapd.training.losses import expected_difference, feature_difference  # noqa: E402
from remapd.training.schedule import along_cosine  # noqa: E402
from remapd.training.smoothing import MOST_HITS, foreseen  # noqa: E402


def test_cosine_rises_and_falls_to_nothing():
    rates = [along_cosine(2.0, done) for done in np.linspace(0.0, 1.0, 101)]
    assert max(rates) == 2.0
    assert np.argmax(rates) == 10
    assert (np.diff(rates[:11]) > 0.0).all()
    assert (np.diff(rates[10:]) < 0.0).all()
    np.testing.assert_allclose([rates[5], rates[55], rates[100]], [1.0, 1.0, 0.0], atol=1e-12)


def test_what_can_be_foreseen_is_told_from_noise():
    random = np.random.default_rng(0)
    x, at = random.normal(size=(80, 3)), random.normal(size=(200, 3))
    law = lambda x: 3.0 * np.sin(x[:, 0]) + x[:, 1]  # noqa: E731
    y = law(x) + 0.3 * random.normal(size=80)
    mean, deviation = (t.numpy() for t in foreseen(*(torch.from_numpy(a) for a in (x, y, at))))
    assert np.abs(mean - law(at)).mean() < 0.3
    assert 0.25 < np.median(deviation) < 0.5
    # It is less sure far from all that is known, and has all inputs of a third for nothing.
    _, far = foreseen(*(torch.from_numpy(a) for a in (x, y, np.array([[9.0, 0.0, 0.0]]))))
    assert far.item() > 2.0 * np.median(deviation)
    mean_of_units, _ = foreseen(*(torch.from_numpy(a) for a in (100.0 * x + 5.0, y, 100.0 * at + 5.0)))
    np.testing.assert_allclose(mean_of_units.numpy(), mean, atol=1e-6)


def test_posterior_is_that_of_its_definition():
    """Held against a Gaussian process of scikit-learn's formulas, written with inverses."""
    from remapd.training import smoothing

    random = np.random.default_rng(1)
    x, y = (torch.from_numpy(a) for a in (random.normal(size=(20, 2)), random.normal(size=20)))
    logarithms = torch.tensor([0.3, -0.2, 0.1, -0.5, -1.0], dtype=torch.float64)
    covariance = smoothing._noisy(smoothing._covariance(x, x, logarithms), logarithms)
    definition = 0.5 * y @ torch.linalg.inv(covariance) @ y + 0.5 * torch.logdet(covariance)
    np.testing.assert_allclose(smoothing._unlikelihood(x, y, logarithms), definition)
    distance = ((x[:, None] - x) / logarithms[:2].exp()).square().sum(2)
    linear = 1.0 + x @ x.T
    expected = np.exp(0.2) * torch.exp(-0.5 * distance) + np.exp(-1.0) * linear + np.exp(-2.0) * torch.eye(20)
    np.testing.assert_allclose(covariance.numpy(), expected.numpy(), atol=2e-6)


def test_many_hits_are_thinned_out():
    x = torch.linspace(0.0, 6.0, 4 * MOST_HITS, dtype=torch.float64)[:, None]
    mean, _ = foreseen(x, torch.sin(x[:, 0]), x)
    np.testing.assert_allclose(mean.numpy(), np.sin(x[:, 0].numpy()), atol=0.01)


def test_expected_difference_is_the_mean_over_what_may_come():
    random = np.random.default_rng(2)
    reached, mean = (torch.from_numpy(random.normal(size=(4, 7))) for _ in range(2))
    deviation, weights = (torch.from_numpy(random.uniform(0.2, 2.0, size=(4, 7))) for _ in range(2))
    draws = torch.from_numpy(random.normal(size=(20000, 1, 1))) * deviation + mean
    mean_of_draws = torch.stack([feature_difference(reached, wanted, weights) for wanted in draws]).mean()
    np.testing.assert_allclose(expected_difference(reached, mean, deviation, weights), mean_of_draws, rtol=0.02)
    sure = expected_difference(reached, mean, 1e-9 * deviation, weights)
    np.testing.assert_allclose(sure, feature_difference(reached, mean, weights))
