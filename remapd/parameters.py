"""The one declaration of a parameter, and ordered tables of them.

Everything that names, checks, scales or documents a parameter is derived from a `ParameterTable`: files, commands,
control surfaces, the compiled engine (which sees a vector in the table's order) and the help text.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remapd.errors import FieldError, Told

Curve = Literal["linear", "log", "switch", "whole"]
Vector = NDArray[np.float64]
Number = int | float | np.integer | np.floating


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, unit, range, default and curve.

    Parameters
    ----------
    name : str
        Dotted name, unique in its table. A unit is part of the name where the name is our own (``hold_ms``).
    unit : str
        ``Hz``, ``ms``, ``dB``, ``st``, ``ratio``, ``%`` or an empty string.
    minimum, maximum, default : float
        Range (inclusive) and default, in `unit`.
    description : str
        One sentence for people.
    curve : {"linear", "log", "switch", "whole"}
        How a 0..1 control runs through the range; ``switch`` is off or on, ``whole`` takes whole numbers.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    default: float
    description: str
    curve: Curve = "linear"

    def __post_init__(self) -> None:
        if not self.minimum < self.maximum:
            raise ValueError(f"{self.name}: empty range {self.minimum}..{self.maximum}")
        if not self.minimum <= self.default <= self.maximum:
            raise ValueError(f"{self.name}: default {self.default} outside its range")
        if self.curve == "log" and self.minimum <= 0.0:
            raise ValueError(f"{self.name}: a log curve needs a positive range")

    def check(self, value: object, field: str | None = None) -> float:
        """Return `value` as a float if it fits.

        Raises
        ------
        FieldError
            If it is no finite number, lies outside the range, or is no whole number where one is needed.
        """
        field = field or self.name
        if isinstance(value, bool) and self.curve == "switch":
            return float(value)
        if isinstance(value, bool) or not isinstance(value, Number):
            raise FieldError(field, self.range_text(), value)
        # Compared before the conversion: a whole number may be too large for a float.
        number = float(value) if self.minimum <= value <= self.maximum else math.nan
        if not math.isfinite(number):
            raise FieldError(field, self.range_text(), value)
        if self.curve in ("whole", "switch") and number != round(number):
            raise FieldError(field, self.range_text(), value)
        return number

    def range_text(self) -> str:
        """The range in words, for help and errors."""
        if self.curve == "switch":
            return "0 (off) or 1 (on)"
        kind = "a whole number" if self.curve == "whole" else "a number"
        unit = f" {self.unit}" if self.unit else ""
        return f"{kind} from {self.minimum:g} to {self.maximum:g}{unit}"

    def to_position(self, value: float) -> float:
        """Place of `value` on a 0..1 control with this parameter's curve."""
        if self.curve == "log":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)

    def from_position(self, position: float) -> float:
        """Value at a place (0..1, clipped) of a control with this parameter's curve."""
        position = min(1.0, max(0.0, position))
        if self.curve == "log":
            value = self.minimum * (self.maximum / self.minimum) ** position
        else:
            value = self.minimum + position * (self.maximum - self.minimum)
        if self.curve in ("whole", "switch"):
            value = float(round(value))
        return min(self.maximum, max(self.minimum, value))


class ParameterTable:
    """Parameters in a fixed order, with a fingerprint.

    Values travel by name (a mapping) or as a vector in the table's order. The network sees every parameter scaled
    *linearly* to 0..1 whatever its curve; `normalise` and `denormalise` do that.
    """

    def __init__(self, name: str, parameters: Iterable[Parameter]) -> None:
        self.name = name
        self.parameters: tuple[Parameter, ...] = tuple(parameters)
        self.names: tuple[str, ...] = tuple(p.name for p in self.parameters)
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"{name}: a parameter name occurs twice")
        self._index = {n: i for i, n in enumerate(self.names)}
        self.minimum: Vector = np.array([p.minimum for p in self.parameters])
        self.maximum: Vector = np.array([p.maximum for p in self.parameters])
        self.default: Vector = np.array([p.default for p in self.parameters])

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return self.parameters[self.index(name)]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    def index(self, name: str, field: str | None = None) -> int:
        """Position of a parameter; an unknown name is refused with the nearest known one."""
        try:
            return self._index[name]
        except (KeyError, TypeError):
            raise FieldError(field or self.name, self._known(name), name) from None

    @property
    def fingerprint(self) -> str:
        """Hash of name, unit, range and curve of each parameter in order (16 hexadecimal digits)."""
        rows = [(p.name, p.unit, p.minimum, p.maximum, p.curve) for p in self.parameters]
        return hashlib.sha256(json.dumps([self.name, rows]).encode()).hexdigest()[:16]

    def vector(self, values: Mapping[str, object], field: str | None = None) -> Vector:
        """Values by name, all of them and no others, as a checked vector in the table's order."""
        prefix = field or self.name
        for name in values:
            self.index(name, prefix)
        missing = [n for n in self.names if n not in values]
        if missing:
            raise FieldError(
                prefix, f"a value for each of {len(self)} parameters", Told(f"none for {', '.join(missing)}")
            )
        return np.array([p.check(values[p.name], f"{prefix}.{p.name}") for p in self.parameters])

    def checked(self, vector: ArrayLike, field: str | None = None) -> Vector:
        """A vector in the table's order, checked for length and range."""
        array = np.asarray(vector, dtype=np.float64)
        if array.shape != (len(self),):
            raise FieldError(field or self.name, f"{len(self)} numbers", f"shape {array.shape}")
        for parameter, value in zip(self.parameters, array, strict=True):
            parameter.check(float(value), f"{field or self.name}.{parameter.name}")
        return array

    def mapping(self, vector: ArrayLike) -> dict[str, float]:
        """A vector in the table's order as values by name."""
        return {n: float(v) for n, v in zip(self.names, np.asarray(vector), strict=True)}

    def normalise(self, vector: ArrayLike) -> Vector:
        """Values in their units, scaled linearly to 0..1."""
        return (np.asarray(vector, dtype=np.float64) - self.minimum) / (self.maximum - self.minimum)

    def denormalise(self, vector: ArrayLike) -> Vector:
        """Values in 0..1 (clipped), scaled linearly to their units."""
        unit = np.clip(np.asarray(vector, dtype=np.float64), 0.0, 1.0)
        return np.clip(self.minimum + unit * (self.maximum - self.minimum), self.minimum, self.maximum)

    def _known(self, name: object) -> str:
        near = difflib.get_close_matches(str(name), self.names, n=1)
        return f"a parameter of {self.name}" + (f" (did you mean {near[0]}?)" if near else "")
