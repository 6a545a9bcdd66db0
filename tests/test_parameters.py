import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.engine.controls import GLOBAL_PARAMETERS, TRACK_PARAMETERS
from remapd.errors import FieldError
from remapd.features.descriptors import FEATURES
from remapd.onsets.parameters import ONSET_PARAMETERS
from remapd.parameters import Parameter, ParameterTable
from remapd.synth.registry import SYNTHS

TABLES = [TRACK_PARAMETERS, GLOBAL_PARAMETERS, ONSET_PARAMETERS, FEATURES, *(s.table for s in SYNTHS.values())]
PARAMETERS = [p for table in TABLES for p in table]

SMALL = ParameterTable(
    "small",
    [
        Parameter("level_db", "dB", -60.0, 6.0, 0.0, "A level."),
        Parameter("cutoff_hz", "Hz", 20.0, 20000.0, 1000.0, "A frequency.", "log"),
        Parameter("steps", "", 1.0, 16.0, 4.0, "A count.", "whole"),
        Parameter("on", "", 0.0, 1.0, 0.0, "A switch.", "switch"),
    ],
)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_each_parameter_survives_a_round_trip(parameter):
    for value in (parameter.minimum, parameter.default, parameter.maximum):
        back = parameter.from_position(parameter.to_position(parameter.check(value)))
        assert back == pytest.approx(value, rel=1e-9, abs=1e-9)
        assert parameter.check(back) == back


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_each_table_survives_a_round_trip(table):
    assert table.vector(table.mapping(table.default)) == pytest.approx(table.default)
    np.testing.assert_allclose(table.denormalise(table.normalise(table.default)), table.default, rtol=1e-9, atol=1e-9)
    assert table.normalise(table.minimum).tolist() == [0.0] * len(table)
    assert table.normalise(table.maximum).tolist() == [1.0] * len(table)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_each_parameter_has_words_for_people(parameter):
    assert parameter.description.endswith(".")
    assert parameter.range_text()


@given(st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.booleans(), st.lists(st.floats())))
def test_check_takes_only_finite_numbers_in_range(value):
    parameter = SMALL["level_db"]
    fits = isinstance(value, int | float) and not isinstance(value, bool) and -60 <= value <= 6
    if fits:
        assert parameter.check(value) == value
    else:
        with pytest.raises(FieldError, match=r"level_db: expected a number from -60 to 6 dB, got"):
            parameter.check(value)


@pytest.mark.parametrize("value", [2.5, 0, 17, math.inf, 10**400, True])
def test_whole_numbers_are_whole(value):
    with pytest.raises(FieldError, match="whole number from 1 to 16"):
        SMALL["steps"].check(value)


@given(st.floats(-2, 3))
def test_positions_outside_are_clipped(position):
    for parameter in SMALL:
        assert parameter.minimum <= parameter.from_position(position) <= parameter.maximum


def test_a_switch_takes_a_boolean():
    assert SMALL["on"].check(True) == 1.0
    with pytest.raises(FieldError, match=r"0 \(off\) or 1 \(on\)"):
        SMALL["on"].check(0.5)


def test_order_of_names_does_not_matter_but_completeness_does():
    values = SMALL.mapping(SMALL.default)
    backwards = dict(reversed(values.items()))
    np.testing.assert_array_equal(SMALL.vector(backwards), SMALL.vector(values))
    with pytest.raises(FieldError, match="cutoff_hz"):
        SMALL.vector({k: v for k, v in values.items() if k != "cutoff_hz"})
    with pytest.raises(FieldError, match="did you mean cutoff_hz"):
        SMALL.vector({**values, "cutof_hz": 1.0})


@pytest.mark.parametrize("vector", [[0.0], [0.0, 1000.0, 4.0, 2.0], [0.0, np.nan, 4.0, 0.0], np.zeros((2, 4))])
def test_vectors_are_checked(vector):
    with pytest.raises(FieldError, match="small"):
        SMALL.checked(vector)


def test_fingerprint_follows_what_vectors_mean():
    def table(**change):
        first = {"name": "a", "unit": "Hz", "minimum": 0.0, "maximum": 1.0, "default": 0.5, "description": "x."}
        return ParameterTable("t", [Parameter(**{**first, **change})])

    base = table().fingerprint
    assert table(description="y.", default=0.6).fingerprint == base
    for change in ({"name": "b"}, {"unit": "ms"}, {"maximum": 2.0}, {"curve": "whole"}):
        assert table(**change).fingerprint != base


@pytest.mark.parametrize(
    "change",
    [{"minimum": 2.0}, {"default": 3.0}, {"curve": "log"}],
)
def test_a_table_with_a_senseless_parameter_is_not_built(change):
    fields = {"name": "a", "unit": "", "minimum": 0.0, "maximum": 1.0, "default": 0.5, "description": "x."}
    with pytest.raises(ValueError, match="a:"):
        Parameter(**{**fields, **change})


def test_a_name_occurs_once():
    parameter = SMALL["level_db"]
    with pytest.raises(ValueError, match="twice"):
        ParameterTable("t", [parameter, parameter])
