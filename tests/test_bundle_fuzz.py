"""Damaged model files are refused in words or still make a valid model; nothing else ever happens."""

from __future__ import annotations

import copy
import json

import numpy as np
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remapd.errors import FieldError, ModelError
from remapd.mapping import container, document
from remapd.mapping.bundle import Model, model_bytes, model_from_bytes
from tests.models import all_features, make_model
from tests.networks import mlp

MODEL = make_model(mlp((3, 5, 14)))
CONTENT = model_bytes(MODEL)
DOCUMENT = dict(container.unpack(CONTENT)[0])
TENSORS = document.network_tensors(MODEL.network)
HEADER_END = 8 + int.from_bytes(CONTENT[:8], "little")


def _load(content: bytes) -> None:
    try:
        model = model_from_bytes(content)
    except (ModelError, FieldError) as error:
        text = str(error)
    else:
        _check(model)
        text = ""
    assert "\n" not in text
    assert len(text) < 1000


def _check(model: Model) -> None:
    assert model.network.sizes == MODEL.network.sizes
    y = model.modulation(all_features(-20.0, 90.0, -60.0))
    assert (np.abs(y) <= 1.0).all()
    str(model.describe()).encode()


@given(st.integers(0, len(CONTENT) - 1))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_truncated_file_is_refused(length):
    try:
        model_from_bytes(CONTENT[:length])
    except (ModelError, FieldError):
        return
    raise AssertionError("a part of a file was taken for the whole")


@given(st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changed_bytes_anywhere(changes):
    content = bytearray(CONTENT)
    for place, value in changes:
        content[place] = value
    _load(bytes(content))


@given(st.lists(st.tuples(st.integers(8, HEADER_END - 1), st.integers(0, 7)), min_size=1, max_size=3))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_flipped_bits_in_the_header(flips):
    content = bytearray(CONTENT)
    for place, bit in flips:
        content[place] ^= 1 << bit
    _load(bytes(content))


@given(st.integers(0, len(CONTENT)), st.binary(max_size=64))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_inserted_bytes(place, inserted):
    _load(CONTENT[:place] + inserted + CONTENT[place:])


@given(st.binary(max_size=4096))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes(content):
    _load(content)
    _load(len(content).to_bytes(8, "little") + content)


names = st.sampled_from(sorted(TENSORS)) | st.text()
types = st.sampled_from(["F32", "F16", "F64", "I64", "BF16", "F8_E4M3", "U8", "BOOL", "X"])
offsets = st.lists(st.integers(0, 400) | st.integers(-1, 1 << 70), min_size=2, max_size=2)
shapes = st.lists(st.integers(0, 14) | st.integers(-1, 1 << 70), max_size=3)
entries = st.fixed_dictionaries({"dtype": types, "shape": shapes, "data_offsets": offsets})


@given(st.dictionaries(names, entries, max_size=4), st.binary(max_size=300))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tensors(tensors, data):
    header = json.dumps({"__metadata__": {container.KEY: json.dumps(DOCUMENT)}, **tensors}).encode()
    _load(len(header).to_bytes(8, "little") + header + data)


@given(st.dictionaries(names, st.sampled_from([np.float16, np.float32, np.int8, np.float64]), max_size=4))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_tensors_of_a_whole_file(types_by_name):
    tensors = {name: np.zeros((5, 3), dtype) for name, dtype in types_by_name.items() if name != "__metadata__"}
    _load(safetensors.numpy.save({**TENSORS, **tensors}, {container.KEY: json.dumps(DOCUMENT)}))


def _places(value, path=()):
    """Paths to every member of a document, at any depth."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _places(child, (*path, key))


PLACES = [path for path in _places(DOCUMENT) if path]
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


@given(st.sampled_from(PLACES), values)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_in_any_field(path, value):
    changed = copy.deepcopy(DOCUMENT)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    text = json.dumps(changed)
    _load(safetensors.numpy.save(dict(TENSORS), {container.KEY: text}))
