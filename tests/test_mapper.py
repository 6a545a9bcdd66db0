import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.mapping import mapper
from remapd.mapping.mapper import MAX_INPUTS, MAX_LAYERS, MAX_OUTPUTS, MAX_WIDTH, NETWORK, SCRATCH, forward
from remapd.mapping.network import Network
from tests.networks import MLP, MLP_LARGE, linear, mlp, reference_modulation

# The compiled tanh is good to 5e-11; sums are in 64 bits on both sides.
TOLERANCE = 1e-9
features = st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3)
widths = st.lists(st.integers(1, 70), min_size=1, max_size=MAX_LAYERS - 1)


@pytest.mark.parametrize("network", [linear(), mlp(MLP), mlp(MLP_LARGE)], ids=["Linear", "MLP", "MLP Lrg"])
@given(x=features)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_published_sizes_agree_with_numpy(network, x):
    np.testing.assert_allclose(network.modulation(x), reference_modulation(network, x), rtol=0, atol=TOLERANCE)


@given(st.integers(1, MAX_INPUTS), widths, st.integers(1, MAX_OUTPUTS), st.integers(0, 1000))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_size_agrees_with_numpy(inputs, hidden, outputs, seed):
    network = mlp((inputs, *hidden, outputs), seed)
    x = np.random.default_rng(seed).uniform(-1, 1, inputs)
    np.testing.assert_allclose(network.modulation(x), reference_modulation(network, x), rtol=0, atol=1e-7)


@given(st.integers(1, MAX_INPUTS), st.integers(1, MAX_OUTPUTS), st.integers(0, 1000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_linear_size_agrees_with_numpy(inputs, outputs, seed):
    network = linear(inputs, outputs, seed, scale=1.0)
    x = np.random.default_rng(seed).uniform(-1, 1, inputs)
    np.testing.assert_allclose(network.modulation(x), reference_modulation(network, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("sizes", [(MAX_INPUTS, MAX_WIDTH, MAX_OUTPUTS), (3, 236, 240, MAX_OUTPUTS), (1, 1, 1)])
def test_sizes_at_the_limits(sizes):
    network = mlp(sizes, scale=0.1)
    x = np.linspace(-1.0, 1.0, sizes[0])
    np.testing.assert_allclose(network.modulation(x), reference_modulation(network, x), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_agrees_with_torch(kind):
    torch = pytest.importorskip("torch")
    network = linear() if kind == "linear" else mlp(MLP_LARGE)
    layers = []
    for i, weight in enumerate(network.weights):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=kind == "mlp", dtype=torch.float64)
        layer.weight.data = torch.tensor(weight, dtype=torch.float64)
        if kind == "mlp":
            layer.bias.data = torch.tensor(network.biases[i], dtype=torch.float64)
        layers.append(layer)
        if i + 1 < len(network.weights):
            layers += [torch.nn.LayerNorm(weight.shape[0], elementwise_affine=False), torch.nn.ReLU()]
    layers.append(torch.nn.Hardtanh() if kind == "linear" else torch.nn.Tanh())
    model = torch.nn.Sequential(*layers)
    for x in np.random.default_rng(1).uniform(-1, 1, (20, 3)):
        expected = model(torch.tensor(x)).detach().numpy()
        np.testing.assert_allclose(network.modulation(x), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("constant", [0.0, 1.0, -3e5, 1e30])
def test_a_constant_layer_is_normalised_to_zero(constant):
    weights = [np.zeros((8, 3)), np.ones((2, 8))]
    network = Network("mlp", weights, [np.full(8, constant), np.array([0.25, -0.5])])
    np.testing.assert_allclose(network.modulation([0.1, 0.2, 0.3]), np.tanh([0.25, -0.5]), rtol=0, atol=TOLERANCE)


def test_linear_is_clamped_and_has_no_bias():
    network = Network("linear", [np.array([[3.0, 0, 0], [-3.0, 0, 0], [0.5, 0, 0]])])
    assert network.modulation([1.0, 0.0, 0.0]).tolist() == [1.0, -1.0, 0.5]
    assert network.modulation([0.0, 0.0, 0.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("network", [linear(), mlp(MLP), mlp(MLP_LARGE)], ids=["Linear", "MLP", "MLP Lrg"])
@given(x=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=3, max_size=3))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_output_stays_within_limits_whatever_comes(network, x):
    y = network.modulation(x)
    assert np.isfinite(y).all()
    assert (np.abs(y) <= 1.0).all()


@pytest.mark.parametrize("network", [linear(), mlp(MLP)], ids=["Linear", "MLP"])
def test_no_number_means_no_modulation(network):
    assert not network.modulation([np.nan, 0.0, 0.0]).any()


@pytest.mark.parametrize("scale", [1e-38, 3e38])
def test_extreme_weights_give_finite_modulation(scale):
    network = mlp((3, 16, 16, 4), scale=1.0)
    limit = 3.0
    weights = [np.clip(w, -limit, limit) / limit * scale for w in network.weights]
    biases = [np.clip(b, -limit, limit) / limit * scale for b in network.biases]
    y = Network("mlp", weights, biases).modulation([1.0, -1.0, 0.5])
    assert np.isfinite(y).all()
    assert (np.abs(y) <= 1.0).all()


def test_a_record_can_be_written_over_by_a_smaller_network():
    record, scratch, out = np.zeros(1, NETWORK)[0], np.zeros(1, SCRATCH)[0], np.zeros(14)
    x = np.array([0.3, -0.2, 0.1])
    for network in (mlp(MLP_LARGE), mlp(MLP), linear()):
        network.write(record)
        forward(record, scratch, x, out)
        np.testing.assert_allclose(out, reference_modulation(network, x), rtol=0, atol=TOLERANCE)


def test_the_forward_pass_writes_its_outputs_only():
    record, scratch, out = np.zeros(1, NETWORK)[0], np.zeros(1, SCRATCH)[0], np.full(mapper.MAX_OUTPUTS, 7.0)
    mlp(MLP).write(record)
    forward(record, scratch, np.zeros(3), out)
    assert (np.abs(out[:14]) <= 1.0).all()
    assert (out[14:] == 7.0).all()


def test_parameter_counts_are_the_published_ones():
    assert linear().parameter_count == 42
    assert mlp(MLP).parameter_count == 590
    assert mlp(MLP_LARGE).parameter_count == 9486


ONES = np.ones((4, 3))


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("network.kind", lambda: Network("gru", [ONES])),
        ("network.weights", lambda: Network("linear", [])),
        ("network.weights", lambda: Network("linear", [ONES, np.ones((2, 4))])),
        ("network.weights", lambda: Network("linear", [ONES], [np.ones(4)])),
        ("network.weights", lambda: Network("mlp", [ONES], [np.ones(4)])),
        ("network.biases", lambda: Network("mlp", [ONES, np.ones((2, 4))], [np.ones(4)])),
        ("network.weights.1", lambda: Network("mlp", [ONES, np.ones((2, 5))], [np.ones(4), np.ones(2)])),
        ("network.biases.0", lambda: Network("mlp", [ONES, np.ones((2, 4))], [np.ones(3), np.ones(2)])),
        ("network.weights.0", lambda: Network("linear", [np.full((4, 3), np.nan)])),
        ("network.weights.0", lambda: Network("linear", [np.full((4, 3), 1e300)])),
        ("network.weights.0", lambda: Network("linear", [np.ones(3)])),
        ("network.weights.0", lambda: Network("linear", [np.ones((0, 3))])),
        ("network.sizes.0", lambda: linear(inputs=MAX_INPUTS + 1)),
        ("network.sizes.1", lambda: linear(outputs=MAX_OUTPUTS + 1)),
        ("network.sizes.1", lambda: mlp((3, MAX_WIDTH + 1, 14))),
        ("network.weights", lambda: mlp((3, *[4] * MAX_LAYERS, 14))),
        ("network", lambda: mlp((3, 250, 260, 14))),
    ],
)
def test_what_does_not_fit_is_refused_by_field(field, make):
    with pytest.raises(FieldError) as caught:
        make()
    assert caught.value.field == field


def test_wrong_number_of_features_is_refused():
    with pytest.raises(FieldError, match="features"):
        linear().modulation([1.0, 2.0])
