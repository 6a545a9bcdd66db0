import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remapd.errors import FieldError
from remapd.sinks.velocity import STRAIGHT, TABLE_SIZE, VelocityCurve, parse_velocity
from tests.demo_events import hit

UNIT = st.floats(0.0, 1.0)


@st.composite
def curves(draw) -> VelocityCurve:
    inner = sorted(draw(st.sets(st.integers(1, 999), max_size=30)))
    xs = [0.0, *(x / 1000.0 for x in inner), 1.0]
    return VelocityCurve(tuple((x, draw(UNIT)) for x in xs))


@given(curves(), UNIT)
def test_it_is_straight_lines_between_its_points(curve: VelocityCurve, loudness: float) -> None:
    xs, ys = zip(*curve.points, strict=True)
    assert curve.at(loudness) == pytest.approx(np.interp(loudness, xs, ys), abs=1e-12)


@given(curves())
def test_a_document_is_the_curve_again(curve: VelocityCurve) -> None:
    assert parse_velocity(json.loads(json.dumps(curve.document()))) == curve


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_what_is_beyond_the_range_has_the_velocity_of_its_end(loudness: float) -> None:
    curve = VelocityCurve(((0.0, 0.25), (0.5, 1.0), (1.0, 0.75)))
    assert 0.25 <= curve.at(loudness) <= 1.0
    assert (curve.at(-5.0), curve.at(7.0), curve.at(float("nan"))) == (0.25, 0.75, 0.25)


def test_table_is_the_curve_at_even_steps() -> None:
    curve = VelocityCurve(((0.0, 0.1), (0.5, 0.2), (1.0, 1.0)))
    assert len(curve.table()) == TABLE_SIZE
    assert curve.table()[[0, 64, 96, 128]] == pytest.approx([0.1, 0.2, 0.6, 1.0])


def test_velocity_of_a_hit_is_that_of_its_loudness() -> None:
    assert STRAIGHT.of(hit(0.0, scaled=[0.3, 0.9, 0.9])) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("loud", "velocity"),
        ([[0, 0]], "velocity"),
        ([[0, 0], *([[0.5, 0.5]] * 31), [1, 1]], "velocity"),
        ([[0, 0], [1]], "velocity[1]"),
        ([[0, 0], [1, 1.5]], "velocity[1][1]"),
        ([[0, 0], [1, None]], "velocity[1][1]"),
        ([[0, 0], [0.5, 0], [0.5, 1], [1, 1]], "velocity[2][0]"),
        ([[0.1, 0], [1, 1]], "velocity[0][0]"),
        ([[0, 0], [0.9, 1]], "velocity[1][0]"),
    ],
)
def test_what_is_no_curve_is_refused_by_field(value: object, field: str) -> None:
    with pytest.raises(FieldError) as refused:
        parse_velocity(value)
    assert refused.value.field == field
