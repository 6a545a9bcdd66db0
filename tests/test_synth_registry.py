"""The voice that can be any synth: it dispatches to the right one, and the others ring on."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from remapd.errors import FieldError
from remapd.synth import registry, snare808
from remapd.synth.base import MAX_SYNTH_PARAMETERS, Synth

VALUES = snare808.TABLE.default


def _voice():
    voice = np.zeros(1, registry.VOICE)[0]
    registry.reset_voice(voice, 48000.0, 5)
    return voice


def _rendered(voice, n):
    out = np.zeros(n)
    registry.render_voice(voice, out, 0, n)
    return out


def test_a_voice_plays_what_its_synth_plays():
    voice, alone = _voice(), np.zeros(1, snare808.STATE)[0]
    assert not registry.voice_is_active(voice)
    snare808.reset(alone, 48000.0, 5)
    snare808.trigger(alone, VALUES)
    registry.trigger_voice(voice, registry.synth_id("snare808"), VALUES)
    expected = np.zeros(1000)
    snare808.render(alone, expected, 0, 1000)
    np.testing.assert_array_equal(_rendered(voice, 1000), expected)
    assert registry.voice_is_active(voice)
    registry.silence_voice(voice)
    assert not registry.voice_is_active(voice)
    assert (_rendered(voice, 100) == 0.0).all()


def test_an_unknown_number_does_nothing():
    voice = _voice()
    for number in (-1, 99):
        registry.trigger_voice(voice, number, VALUES)
    assert not registry.voice_is_active(voice)


def test_a_vector_may_be_longer_than_the_table():
    voice, padded = _voice(), np.zeros(MAX_SYNTH_PARAMETERS)
    padded[: VALUES.size] = VALUES
    registry.trigger_voice(voice, 0, padded)
    other = _voice()
    registry.trigger_voice(other, 0, VALUES)
    np.testing.assert_array_equal(_rendered(voice, 500), _rendered(other, 500))


def test_with_two_synths_the_one_swapped_out_rings_on(monkeypatch):
    functions = [getattr(snare808, name) for name in ("reset", "trigger", "render", "is_active", "silence")]
    first, second = (Synth(name, snare808.TABLE, snare808.STATE, *functions) for name in ("first", "second"))
    monkeypatch.setattr(registry, "SYNTHS", {"first": first, "second": second})
    reset = registry._chain("reset", registry._reset_link, registry._nothing)
    trigger = registry._chain("trigger", registry._trigger_link, registry._nothing)
    render = registry._chain("render", registry._render_link, registry._nothing)
    is_active = registry._chain("is_active", registry._is_active_link, registry._false)
    voice = np.zeros(1, np.dtype([("first", snare808.STATE), ("second", snare808.STATE)], align=True))[0]
    reset(voice, 48000.0, 5)
    trigger(voice, 0, VALUES)
    assert (is_active(voice), snare808.is_active(voice["second"])) == (True, False)
    both, alone = np.zeros(1000), _voice()
    render(voice, both, 0, 500)
    trigger(voice, 1, VALUES)
    assert (snare808.is_active(voice["first"]), snare808.is_active(voice["second"])) == (True, True)
    render(voice, both, 500, 1000)
    registry.trigger_voice(alone, 0, VALUES)
    expected = _rendered(alone, 1000)
    later = _voice()
    registry.trigger_voice(later, 0, VALUES)
    expected[500:] += _rendered(later, 500)
    np.testing.assert_allclose(both, expected, atol=1e-15)


@numba.njit
def _play(voice, number, values, out, hits):
    for _ in range(hits):
        registry.trigger_voice(voice, number, values)
        registry.render_voice(voice, out, 0, out.size)


@pytest.mark.parametrize("name", registry.SYNTHS)
def test_playing_allocates_nothing(name):
    voice, out = _voice(), np.zeros(4096)
    number, values = registry.synth_id(name), registry.get_synth(name).table.default
    _play(voice, number, values, out, 1)
    _nrt_python.memsys_enable_stats()
    try:
        counts = []
        for hits in (1, 100):
            before = rtsys.get_allocation_stats()
            _play(voice, number, values, out, hits)
            counts.append(tuple(np.subtract(rtsys.get_allocation_stats(), before)))
    finally:
        _nrt_python.memsys_disable_stats()
    # What a call from Python allocates for its arguments does not grow with the hits.
    assert counts[0] == counts[1]


def test_unknown_names_are_refused_with_a_hint():
    with pytest.raises(FieldError, match="did you mean snare808"):
        registry.get_synth("snare_808")
    with pytest.raises(FieldError, match=r"track\.synth"):
        registry.get_synth("organ", "track.synth")


def test_a_synth_has_an_identifier_for_a_name():
    functions = [snare808.reset] * 5
    with pytest.raises(ValueError, match="no identifier"):
        Synth("808 snare", snare808.TABLE, snare808.STATE, *functions)
