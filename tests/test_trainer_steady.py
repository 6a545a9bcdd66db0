"""What steadies a training: limited gradients, a way back into the range, starting weights, the cosine."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from remapd.training.gradients import held_in_unit_range, limited_to_median  # noqa: E402
from remapd.training.mapper_module import Mapper  # noqa: E402
from remapd.training.schedule import along_cosine  # noqa: E402


def test_no_gradient_is_longer_than_the_median():
    gradient = torch.randn(9, 14, dtype=torch.float64) * torch.logspace(-3, 3, 9, dtype=torch.float64)[:, None]
    before, after = gradient.norm(dim=1), limited_to_median(gradient).norm(dim=1)
    np.testing.assert_allclose(after, before.clamp(max=float(before.median())))
    np.testing.assert_allclose(limited_to_median(gradient) / after[:, None], gradient / before[:, None])
    assert (limited_to_median(torch.zeros(3, 2, dtype=torch.float64)) == 0.0).all()


def test_outside_the_range_only_the_way_back_has_a_gradient():
    x = torch.tensor([-0.5, -0.5, 0.5, 0.5, 1.5, 1.5], dtype=torch.float64, requires_grad=True)
    upwards = torch.tensor([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0], dtype=torch.float64)
    held = held_in_unit_range(x)
    np.testing.assert_array_equal(held.detach(), x.detach().clamp(0.0, 1.0))
    held.backward(upwards)
    # A step goes against the gradient.
    np.testing.assert_array_equal(x.grad, [-1.0, 0.0, -1.0, 1.0, 0.0, 1.0])


def test_bent_start_answers_to_the_size_of_a_centred_input():
    x = torch.outer(torch.tensor([0.01, 0.1, 1.0], dtype=torch.float64), torch.tensor([1.0, -1.0, 0.5]).double())
    with torch.no_grad():
        small = Mapper((3, 32, 14), 0.1, "small", 0)(x)
        bent = Mapper((3, 32, 14), 0.1, "bent", 0)(x)
    np.testing.assert_allclose(small[1], small[2], atol=0.02)
    assert (bent[1] - bent[2]).abs().max() > 0.1


def test_cosine_rises_and_falls_to_nothing():
    rates = [along_cosine(2.0, done) for done in np.linspace(0.0, 1.0, 101)]
    assert max(rates) == 2.0
    assert np.argmax(rates) == 10
    assert (np.diff(rates[:11]) > 0.0).all()
    assert (np.diff(rates[10:]) < 0.0).all()
    np.testing.assert_allclose([rates[5], rates[55], rates[100]], [1.0, 1.0, 0.0], atol=1e-12)
