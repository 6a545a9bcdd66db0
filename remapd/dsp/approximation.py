"""Elementary functions that the compiler can run on several samples at once.

The C library's functions cost 5 to 20 ns a call and stop a loop from being vectorised. These are short polynomials
without branches; each states its largest error, and the tests hold it to that. The coefficients are least maximum
error fits (Lawson's iteration on Chebyshev points). None of them raises, and none but the sine of an angle that is not
finite returns a value that is not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from remapd.dsp.kernel import compiled

LOG10_2 = math.log10(2.0)
#: dB per octave of amplitude: ``20 log10(x) = DB_PER_LOG2 * log2(x)``.
DB_PER_LOG2 = 20.0 * LOG10_2

# Adding this rounds to a whole number, which then stands in the low bits of the mantissa.
_ROUND = 1.5 * 2.0**52
_MANTISSA_BITS = np.uint64(52)
_ONE_BITS = np.uint64(0x3FF0000000000000)
# Distance from sqrt(1/2) to 1 as bit patterns: splits a number into 2**k and a factor of sqrt(1/2)..sqrt(2).
_SPLIT_BITS = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
# 2**52 as bits; a small whole number added to it and 2**52 subtracted again is that number as a float.
_WHOLE_BITS = np.uint64(0x4330000000000000)
_TANH_LIMIT = 20.0
_EXP2_MINIMUM, _EXP2_MAXIMUM = -1022.0, 1023.0
_TWO_LOG2_E = 2.0 / math.log(2.0)
_ERF_LIMIT = 4.6
_ERF_SQUARES = 2.0 / _ERF_LIMIT**2


@compiled
def _bits(x: float) -> Any:
    return np.float64(x).view(np.uint64)


@compiled
def _number(bits: Any) -> float:
    number: float = np.uint64(bits).view(np.float64)
    return number


@compiled
def sin_turns(x: float) -> float:
    """Sine of an angle in turns, ``sin(2 pi x)``; absolute error below 2e-11 for ``|x| < 1e5``, and 0 at 0."""
    quarter = x - 0.25
    offset = quarter - ((quarter + _ROUND) - _ROUND)
    w = 0.25 - math.fabs(offset)
    z = w * w
    p = -14.3370240198047
    p = 41.99998972098575 + z * p
    p = -76.7036678215999 + z * p
    p = 81.6052094309303 + z * p
    p = -41.34170192977122 + z * p
    return w * (6.283185306487503 + z * p)


@compiled
def log2(x: float) -> float:
    """Binary logarithm of ``x >= 0``; absolute error below 2e-12.

    0 gives -1023, a number below the normal range something between that and -1022, infinity and NaN about 1024.
    """
    bits = _bits(x)
    exponent = (bits + _SPLIT_BITS) >> _MANTISSA_BITS
    factor = _number(bits - (exponent << _MANTISSA_BITS) + _ONE_BITS)
    whole = _number(exponent | _WHOLE_BITS) - (2.0**52 + 1023.0)
    s = (factor - 1.0) / (factor + 1.0)
    z = s * s
    p = 0.3428203975909183
    p = 0.41153421942897095 + z * p
    p = 0.5770866440389667 + z * p
    p = 0.9617966483151549 + z * p
    return whole + s * (2.8853900818453755 + z * p)


@compiled
def log10(x: float) -> float:
    """Decimal logarithm of ``x >= 0``; absolute error below 1e-12, and about -308 at 0."""
    return log2(x) * LOG10_2


@compiled
def amplitude_db(x: float) -> float:
    """Level of an amplitude ``x >= 0`` in dB; absolute error below 2e-11 dB, and about -6159 dB at 0."""
    return log2(x) * DB_PER_LOG2


@compiled
def _exp2_within_range(x: float) -> float:
    shifted = x + _ROUND
    f = x - (shifted - _ROUND)
    p = 1.5314949505288098e-05
    p = 0.0001546711029188403 + f * p
    p = 0.00133334307760544 + f * p
    p = 0.009618036911162 + f * p
    p = 0.05550410962583516 + f * p
    p = 0.24022651075849555 + f * p
    factor = 1.0 + f * (0.6931471805416518 + f * p)
    return _number(_bits(factor) + (_bits(shifted) << _MANTISSA_BITS))


@compiled
def exp2(x: float) -> float:
    """Power of two; relative error below 1e-10. The exponent is held within -1022..1023."""
    limited = x if x > _EXP2_MINIMUM else _EXP2_MINIMUM
    return _exp2_within_range(limited if limited < _EXP2_MAXIMUM else _EXP2_MAXIMUM)


@compiled
def db_amplitude(level_db: float) -> float:
    """Amplitude of a level in dB; relative error below 1e-10."""
    return exp2(level_db * (1.0 / DB_PER_LOG2))


@compiled
def tanh(x: float) -> float:
    """Hyperbolic tangent; absolute error below 5e-11, exact at 0, and 1 in magnitude from 20 on."""
    limited = x if x > -_TANH_LIMIT else -_TANH_LIMIT
    limited = limited if limited < _TANH_LIMIT else _TANH_LIMIT
    return 1.0 - 2.0 / (_exp2_within_range(limited * _TWO_LOG2_E) + 1.0)


@compiled
def erf(x: float) -> float:
    """Error function; absolute error below 1e-10, exact at 0."""
    limited = x if x > -_ERF_LIMIT else -_ERF_LIMIT
    limited = limited if limited < _ERF_LIMIT else _ERF_LIMIT
    u = limited * limited * _ERF_SQUARES - 1.0
    p = 8.180546745438181e-05
    p = -0.00022180884520437262 + u * p
    p = 6.24358911160238e-05 + u * p
    p = 5.294372672293797e-05 + u * p
    p = 0.0008098670809713115 + u * p
    p = -0.0019088064929232802 + u * p
    p = 0.002316476054083767 + u * p
    p = -0.0035682965130002624 + u * p
    p = 0.006746517586643236 + u * p
    p = -0.010850326541250137 + u * p
    p = 0.015689216764179108 + u * p
    p = -0.022051050447106993 + u * p
    p = 0.029827997942375575 + u * p
    p = -0.038343687133758596 + u * p
    p = 0.04714193127879003 + u * p
    p = -0.055908284909745073 + u * p
    p = 0.0645107928387898 + u * p
    p = -0.07325660343477437 + u * p
    p = 0.0830597228058037 + u * p
    p = -0.09573413586956468 + u * p
    p = 0.11520203985132596 + u * p
    p = -0.15370387482217357 + u * p
    p = 0.30743643205628646 + u * p
    return limited * p
