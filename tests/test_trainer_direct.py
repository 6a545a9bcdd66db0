"""Direct optimisation finds modulations that are known to exist, and each hit by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from remapd.training.direct import optimise_directly  # noqa: E402
from remapd.training.mapper_module import Mapper  # noqa: E402
from remapd.training.objective import Objective  # noqa: E402
from remapd.training.recipes import DIRECT  # noqa: E402
from tests.networks import reference_modulation  # noqa: E402
from tests.training_hits import played_hits, preset  # noqa: E402

FEW = replace(DIRECT, steps=60)


@pytest.fixture(scope="module")
def hits():
    return played_hits(6)


@pytest.fixture(scope="module")
def differences(hits):
    return optimise_directly(hits, preset(), FEW)


def test_error_falls_far_below_that_of_the_bare_preset(differences):
    assert differences.errors().overall < 0.6 * differences.bare_errors().overall


def test_hits_do_not_influence_each_other(hits, differences):
    sounds = hits.sounds.copy()
    sounds[-1] *= 0.9
    changed = optimise_directly(replace(hits, sounds=sounds), preset(), FEW)
    np.testing.assert_array_equal(changed.reached[:-1], differences.reached[:-1])
    assert (changed.reached[-1] != differences.reached[-1]).any()


def test_more_steps_are_never_worse(hits, differences):
    fewer = optimise_directly(hits, preset(), replace(FEW, steps=20))
    error, later = (np.abs(d.reached - d.wanted).mean(axis=1) for d in (fewer, differences))
    assert (later <= error + 1e-12).all()


def test_some_hits_can_be_chosen(hits, differences):
    chosen = optimise_directly(hits, preset(), FEW, indices=np.array([4, 1]))
    np.testing.assert_array_equal(chosen.wanted, differences.wanted[[4, 1]])
    np.testing.assert_allclose(chosen.reached, differences.reached[[4, 1]], atol=1e-6)


def test_stop_ends_it(hits):
    told = []
    optimise_directly(hits, preset(), FEW, progress=lambda *done: told.append(done), stop=lambda: len(told) == 3)
    assert told == [(1, 60), (2, 60), (3, 60)]


def test_modulation_stays_where_it_moves_something(hits):
    objective = Objective(hits, preset(), uses_horizons=False, device=torch.device("cpu"))
    held = objective.within_range(torch.full((1, 14), 5.0, dtype=torch.float64))[0].numpy()
    unit = preset().unit_values + preset().damping * held
    assert (held <= 1.0).all()
    assert ((unit <= 1.0 + 1e-12) & ((held == 1.0) | np.isclose(unit, 1.0))).all()


@pytest.mark.parametrize("sizes", [(3, 14), (3, 32, 14), (3, 64, 64, 64, 14)])
def test_mapper_computes_what_the_engine_does(sizes):
    mapper = Mapper(sizes, 0.3, seed=1)
    for bias in mapper.biases:
        torch.nn.init.normal_(bias, generator=torch.Generator().manual_seed(2))
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (5, 3))
    with torch.no_grad():
        computed = mapper(torch.from_numpy(x)).numpy()
    network = mapper.network()
    assert network.kind == ("linear" if len(sizes) == 2 else "mlp")
    for row, features in zip(computed, x, strict=True):
        np.testing.assert_allclose(network.modulation(features), row, atol=1e-5)
        np.testing.assert_allclose(reference_modulation(network, features), row, atol=1e-5)
