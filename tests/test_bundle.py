"""Model files: round trips, bytes, and what is refused by which field."""

from __future__ import annotations

import json
import os
import string
import struct

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.errors import FieldError, ModelError
from remapd.features.descriptors import FeatureSpec
from remapd.mapping import bundle, container, document
from remapd.mapping.bundle import Model, load_model, model_bytes, model_from_bytes, save_model
from remapd.mapping.scaling import Scaling
from remapd.synth.presets import Preset
from tests.models import SCALING, all_features, changed_file, make_model
from tests.networks import MLP_LARGE, linear, mlp

# Letters, numbers, punctuation and symbols are what is printable, with the blank.
printable = st.characters(codec="utf-8", categories=("L", "N", "P", "S"), include_characters=" ")
lines = st.text(printable, max_size=40)
some_text = st.text(printable, min_size=1, max_size=40)
alphanumeric = string.ascii_letters + string.digits
names = st.builds(str.__add__, st.sampled_from(alphanumeric), st.text(alphanumeric + " _.+-", max_size=63))
fractions = st.lists(st.floats(0.0, 1.0), min_size=14, max_size=14)
three = st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3)


@st.composite
def models(draw: st.DrawFn) -> Model:
    sizes = (3, *draw(st.lists(st.integers(1, 20), min_size=1, max_size=4)), 14)
    seed = draw(st.integers(0, 100))
    low = np.array(draw(three))
    preset = make_model().preset
    return make_model(
        draw(st.sampled_from([linear(seed=seed), mlp(sizes, seed)])),
        name=draw(names),
        scaler=Scaling(low, low + draw(st.floats(0.01, 1e6)), np.array(draw(fractions)[:3])),
        preset=Preset(
            "p", "snare808", preset.table.denormalise(draw(fractions)), np.array(draw(fractions)), draw(lines)
        ),
        licence=draw(some_text),
        features=FeatureSpec(draw(st.floats(1.0, 43.0)), 0.5, draw(st.floats(1000.0, 1e5))),
        sample_rate_hz=draw(st.floats(8000.0, 384000.0)),
        description=draw(lines),
        provenance=draw(st.dictionaries(some_text, lines, max_size=5)),
    )


@given(models())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_round_trip_changes_nothing(model):
    again = model_from_bytes(model_bytes(model))
    assert again.describe() == model.describe()
    for one, other in zip(again.network.weights, model.network.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(again.network.biases, model.network.biases, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model_bytes(again) == model_bytes(model)


def test_saving_twice_gives_the_same_file(tmp_path):
    save_model(make_model(), tmp_path / "a.safetensors")
    first = (tmp_path / "a.safetensors").read_bytes()
    save_model(load_model(tmp_path / "a.safetensors"), tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == first
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_the_file_is_read_by_the_library_alone():
    model = make_model()
    tensors = safetensors.numpy.load(model_bytes(model))
    assert set(tensors) == {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"}
    np.testing.assert_array_equal(tensors["layers.1.weight"], model.network.weights[1])


def test_a_loaded_model_answers_as_the_saved_one():
    model = make_model(mlp(MLP_LARGE))
    features = all_features(-20.0, 88.0, -70.0)
    np.testing.assert_array_equal(model_from_bytes(model_bytes(model)).modulation(features), model.modulation(features))


def test_features_reach_the_network_scaled_and_centred():
    np.testing.assert_allclose(SCALING.centred(all_features(-33.0, 95.0, -50.0)), [0.5 - 0.65, 0.0, 0.1], atol=1e-12)
    np.testing.assert_allclose(SCALING.centred(all_features(-99.0, 200.0, -50.0)), [-0.65, 0.5, 0.1], atol=1e-12)


def test_a_model_may_hear_other_features():
    names = ("loudness_db", "low_db", "crest_db")
    scaling = Scaling(np.array([-60.0, -40.0, 5.0]), np.array([0.0, 0.0, 25.0]), np.zeros(3), names)
    model = make_model(scaler=scaling)
    features = np.array([-30.0, 88.0, -70.0, -10.0, -20.0, 3.0, 10.0])
    np.testing.assert_allclose(model.scaler.centred(features), [0.5, 0.75, 0.25])
    again = model_from_bytes(model_bytes(model))
    assert again.scaler.names == names
    assert again.describe()["features"]["names"] == list(names)
    np.testing.assert_array_equal(again.modulation(features), model.modulation(features))
    np.testing.assert_array_equal(again.modulation(features), again.network.modulation([0.5, 0.75, 0.25]))


@pytest.mark.parametrize(
    "names", [("loudness_db", "low"), ("low_db", "loudness_db"), ("low_db", "low_db"), (), "low_db"]
)
def test_names_of_features_that_do_not_fit(names):
    n = len(names)
    with pytest.raises(FieldError) as caught:
        Scaling(np.zeros(n), np.ones(n), np.zeros(n), names)
    assert caught.value.field == "features.names"


def test_the_card_has_everything_but_the_weights():
    card = make_model().describe()
    assert card["network"] == {"kind": "mlp", "sizes": [3, 32, 14], "parameters": 590}
    assert card["preset"]["damping"] == {"osc1.freq": 0.01, "osc2.freq": 0.01}
    json.dumps(card)


def test_the_largest_model_fits_into_its_file():
    text = {"description": '"' * 1000, "licence": '"' * 100}
    provenance = {f"{i:063d}\\": "\\" * 500 for i in range(32)}
    model = make_model(mlp((3, 236, 240, 14)), provenance=provenance, **text)
    assert model_from_bytes(model_bytes(model)).describe() == model.describe()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "../up"}),
        ("licence", {"licence": ""}),
        ("licence", {"licence": "x" * 101}),
        ("description", {"description": "two\nlines"}),
        ("sample_rate_hz", {"sample_rate_hz": 7999.0}),
        ("sample_rate_hz", {"sample_rate_hz": float("nan")}),
        ("provenance", {"provenance": {str(i): "" for i in range(33)}}),
        ("provenance.seed", {"provenance": {"seed": 1}}),
        ("network.sizes.0", {"network": linear(inputs=4)}),
        ("network.sizes", {"network": linear(outputs=13)}),
    ],
)
def test_a_model_that_does_not_fit_is_not_made(field, changes):
    with pytest.raises(FieldError) as caught:
        make_model(**changes)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "arrays"),
    [
        ("scaler.maximum.centroid_st", ([-60, 60, -90], [-6, 60, 0], [0, 0, 0])),
        ("scaler.reference.flatness_db", ([-60, 60, -90], [-6, 120, 0], [0, 0, 1.01])),
        ("scaler.minimum", ([-60, np.nan, -90], [-6, 120, 0], [0, 0, 0])),
        ("scaler.maximum", ([-60, 60, -90], [-6, 120], [0, 0, 0])),
    ],
)
def test_a_scaling_that_does_not_fit_is_not_made(field, arrays):
    with pytest.raises(FieldError) as caught:
        Scaling(*(np.array(a, dtype=float) for a in arrays))
    assert caught.value.field == field


def _set(*path_and_value):
    *path, last, value = path_and_value

    def change(fields):
        for name in path:
            fields = fields[name]
        fields[last] = value

    return change


def _drop(*path):
    def change(fields):
        for name in path[:-1]:
            fields = fields[name]
        del fields[path[-1]]

    return change


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("format", _set("format", 2)),
        ("format", _set("format", "1")),
        ("format", _drop("format")),
        ("model", _set("colour", "red")),
        *(("model", _drop(name)) for name in bundle._FIELDS if name != "format"),
        ("name", _set("name", "a/b")),
        ("licence", _set("licence", None)),
        ("description", _set("description", "x" * 1001)),
        ("provenance", _set("provenance", [])),
        ("provenance.seed", _set("provenance", "seed", 3)),
        ("sample_rate_hz", _set("sample_rate_hz", 1000)),
        ("sample_rate_hz", _set("sample_rate_hz", True)),
        ("synth", _set("synth", "snare808")),
        ("synth", _drop("synth", "fingerprint")),
        ("synth.name", _set("synth", "name", "snare909")),
        ("synth.name", _set("synth", "name", ["snare808"])),
        ("synth.fingerprint", _set("synth", "fingerprint", "0" * 16)),
        ("features", _drop("features", "window_ms")),
        ("features", _set("features", "hop_ms", 1)),
        ("features.names", _set("features", "names", ["centroid_st", "loudness_db", "flatness_db"])),
        ("features.window_ms", _set("features", "window_ms", 0.5)),
        ("features.window_ms", _set("features", "window_ms", "5")),
        ("features.pre_roll_ms", _set("features", "pre_roll_ms", -1)),
        ("features.bandwidth_hz", _set("features", "bandwidth_hz", 1e6)),
        ("scaler", _drop("scaler", "reference")),
        ("scaler.minimum", _drop("scaler", "minimum", "centroid_st")),
        ("scaler.minimum", _set("scaler", "minimum", [1, 2, 3])),
        ("scaler.minimum.centroid_st", _set("scaler", "minimum", "centroid_st", "60")),
        ("scaler.minimum", _set("scaler", "minimum", "centroid_st", float("nan"))),
        ("scaler.maximum.loudness_db", _set("scaler", "maximum", "loudness_db", -60)),
        ("scaler.reference.loudness_db", _set("scaler", "reference", "loudness_db", -0.1)),
        ("preset", _drop("preset", "damping")),
        ("preset.preset", _drop("preset", "preset", "osc1.freq")),
        ("preset.osc1.freq", _set("preset", "preset", "osc1.freq", 19)),
        ("preset.damping.osc1.freq", _set("preset", "damping", "osc1.freq", 1.5)),
        ("preset.damping.osc1.freq", _set("preset", "damping", "osc1.freq", float("inf"))),
        ("preset.synth", _set("preset", "synth", "other")),
        ("network", _drop("network", "sizes")),
        ("network.kind", _set("network", "kind", "gru")),
        ("network.kind", _set("network", "kind", ["mlp"])),
        ("network.sizes", _set("network", "sizes", [3])),
        ("network.sizes", _set("network", "sizes", "3")),
        ("network.sizes.1", _set("network", "sizes", [3, 513, 14])),
        ("network.sizes.1", _set("network", "sizes", [3, 3.5, 14])),
        ("network.sizes.0", _set("network", "sizes", [True, 32, 14])),
        ("tensors", _set("network", "sizes", [3, 32, 32, 14])),
        ("tensors.layers.0.weight", _set("network", "sizes", [3, 31, 14])),
        ("tensors", _set("network", "kind", "linear")),
    ],
)
def test_what_does_not_fit_is_refused_by_field(field, change):
    with pytest.raises(FieldError) as caught:
        model_from_bytes(changed_file(change))
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


TENSORS = document.network_tensors(mlp())


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("tensors", {"layers.2.weight": np.zeros((3, 3), np.float32)}),
        ("tensors.layers.1.weight", {"layers.1.weight": np.zeros((14, 32), np.float16)}),
        ("tensors.layers.1.weight", {"layers.1.weight": np.zeros((14, 32), np.float64)}),
        ("tensors.layers.1.weight", {"layers.1.weight": np.zeros((32, 14), np.float32)}),
        ("network.weights.1", {"layers.1.weight": np.full((14, 32), np.inf, np.float32)}),
        ("network.biases.0", {"layers.0.bias": np.full(32, np.nan, np.float32)}),
    ],
)
def test_tensors_that_do_not_fit_are_refused(field, change):
    with pytest.raises(FieldError) as caught:
        model_from_bytes(changed_file(tensors={**TENSORS, **change}))
    assert caught.value.field == field


def test_missing_and_unknown_tensors_are_named():
    with pytest.raises(FieldError, match=r"no layers\.0\.bias"):
        model_from_bytes(changed_file(tensors={k: v for k, v in TENSORS.items() if k != "layers.0.bias"}))
    with pytest.raises(FieldError, match="'extra'"):
        model_from_bytes(changed_file(tensors={**TENSORS, "extra": np.zeros(1, np.float32)}))


def test_a_model_of_another_table_says_what_to_do():
    with pytest.raises(FieldError, match="train or export the model again"):
        model_from_bytes(changed_file(_set("synth", "fingerprint", "0123456789abcdef")))


def _with_header(header: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        _with_header(b""),
        _with_header(b"{}"),
        _with_header(b"{}", 1 << 63),
        _with_header(b" " * (container.MAX_HEADER_BYTES + 1)),
        _with_header(b"[" * 100_000),
        _with_header(b'{"__metadata__": ' * 5000),
        _with_header(b"\xff\xfe{}"),
        _with_header(b'{"__metadata__": {"remapd": 1}}'),
        _with_header(b'{"__metadata__": {"remapd": "[]"}}'),
        _with_header(b'{"__metadata__": {"remapd": "{"}}'),
        _with_header(b'{"__metadata__": {"remapd": "{}"}}'),
        _with_header(b'{"__metadata__": [], "__metadata__": {}}'),
        _with_header(b'{"__metadata__": {"remapd": "{\\"format\\": 1' + b"0" * 5000 + b'}"}}'),
        b"\0" * (container.MAX_FILE_BYTES + 1),
        b"PK\x03\x04 a zip of pickles, as TorchScript is",
    ],
    ids=range(17),
)
def test_damaged_files_give_one_line(tmp_path, content):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged\.safetensors") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 300


def test_empty_and_short_files_are_told_as_such(tmp_path):
    for content, words in ((b"", "the file is empty"), (b"abc", "3 bytes long")):
        (tmp_path / "a.safetensors").write_bytes(content)
        with pytest.raises(ModelError, match=words):
            load_model(tmp_path / "a.safetensors")


def test_a_refused_field_is_named_with_its_file(tmp_path):
    path = tmp_path / "old.safetensors"
    path.write_bytes(changed_file(_set("format", 0)))
    with pytest.raises(ModelError, match=r"old\.safetensors.*format: expected 1") as caught:
        load_model(path)
    assert isinstance(caught.value.__cause__, FieldError)


def test_files_that_cannot_be_opened(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path, tmp_path / "a" / "b.safetensors"):
        with pytest.raises(ModelError, match="cannot be read"):
            load_model(path)


def test_a_failed_save_leaves_nothing_behind(tmp_path):
    target = tmp_path / "taken.safetensors"
    target.mkdir()
    (target / "inside").touch()
    for path in (target, tmp_path / "nowhere" / "a.safetensors"):
        with pytest.raises(ModelError, match="cannot be written"):
            save_model(make_model(), path)
    assert os.listdir(tmp_path) == ["taken.safetensors"]
