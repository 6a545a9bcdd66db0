"""The computation of a TorchScript module as a list of plain steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from remapd.errors import FieldError
from remapd.fields import shown

#: No step has more numbers, and there are no more steps; a mapper's limits are far below.
MAX_NUMBERS = 1 << 20
MAX_STEPS = 200

_SHAPING = """
squeeze unsqueeze view reshape flatten contiguous detach clone to type_as double float expand expand_as select slice
dropout
"""
#: Operators that change the shape or the type alone. That the numbers stay in their places is seen when the model that
#: is made of the steps is compared with the file.
_PASSED = frozenset(_SHAPING.split())
_RENAMED = {"relu_": "relu", "tanh_": "tanh", "clip": "clamp", "clamp_": "clamp", "hardtanh": "clamp", "mm": "matmul"}

Step = dict[str, Any]


def read_graph(graph: Any) -> tuple[list[Step], list[float]]:
    """Steps from the input to the first row of the output, and the second row, which must be constant.

    Parameters
    ----------
    graph : torch.Graph
        Of a frozen module: every parameter is a constant in it.

    Raises
    ------
    FieldError
        If the output is not made of two rows, or the second depends on the input.
    """
    modulation, preset = _rows(graph)
    if not _is_constant(preset):
        raise FieldError("output.1", "a preset, which does not depend on the input", "a computed row")
    steps = list(_steps_back(modulation))[::-1]
    return [step for step in steps if step["op"] != "passed"], _numbers(_constant(preset))


def _rows(graph: Any) -> tuple[Any, Any]:
    outputs = list(graph.outputs())
    node = outputs[0].node()
    while _name(node) in _PASSED:
        node = next(node.inputs()).node()
    if len(outputs) == 1 and _name(node) in ("cat", "concat", "stack", "vstack"):
        parts = list(next(node.inputs()).node().inputs())
        if len(parts) == 2:
            return parts[0], parts[1]
    raise FieldError("output", "two rows, the modulation and the preset, joined at the end", shown(node.kind()))


def _steps_back(value: Any) -> Iterator[Step]:
    """Steps from a value back to the input of the graph."""
    for _ in range(MAX_STEPS):
        node = value.node()
        if node.kind() == "prim::Param":
            return
        moving = [v for v in node.inputs() if not _is_constant(v)]
        if len(moving) != 1:
            yield {"op": "other", "name": shown(node.kind())}
            return
        yield _step(node, moving[0])
        value = moving[0]
    raise FieldError("network", f"at most {MAX_STEPS} steps", "more")


def _step(node: Any, moving: Any) -> Step:
    """One step; what is no step of any mapper is named, for the error."""
    name = _name(node)
    arguments: list[Any] = [None if value is moving else _constant(value) for value in _inputs(node)]
    place = next(i for i, value in enumerate(_inputs(node)) if value.debugName() == moving.debugName())
    if name in _PASSED:
        return {"op": "passed"}
    match name, place:
        case "relu", 0:
            return {"op": name}
        case "tanh", 0:
            return {"op": name}
        case "clamp", 0:
            return {"op": "clamp", "low": arguments[1], "high": arguments[2]}
        case "layer_norm", 0:
            return _layer_norm(*arguments[1:5])
        case "linear", 0:
            return _linear(arguments[1], arguments[2])
        case "matmul", 0:
            return _linear(arguments[1].T, None)
        case "addmm", 1:
            return _linear(arguments[2].T, arguments[0])
        case "mul", _:
            return {"op": "scale", "by": _numbers(arguments[1 - place])}
        case "div", 0:
            return {"op": "scale", "by": _numbers(1.0 / torch.as_tensor(arguments[1]).double())}
        case "add", _:
            return {"op": "shift", "by": _shifts(arguments[1 - place], arguments[2], place)}
        case "sub", 0:
            return {"op": "shift", "by": _shifts(arguments[1], -arguments[2], place)}
    return {"op": "other", "name": shown(node.kind())}


def _linear(weight: Any, bias: Any) -> Step:
    if weight.ndim != 2:
        raise FieldError("network", "matrices", f"a weight of {weight.ndim} dimensions")
    rows = _numbers(weight)
    width = weight.shape[1]
    matrix = [rows[i : i + width] for i in range(0, len(rows), width)]
    return {"op": "linear", "weight": matrix, "bias": None if bias is None else _numbers(bias)}


def _layer_norm(shape: Any, weight: Any, bias: Any, epsilon: float) -> Step:
    is_plain = (weight is None or bool((weight == 1).all())) and (bias is None or bool((bias == 0).all()))
    return {"op": "layer_norm", "width": list(shape), "epsilon": epsilon, "plain": is_plain}


def _shifts(value: Any, factor: float, place: int) -> list[float]:
    """Constant addend, of which the second operand is multiplied by the factor."""
    return _numbers(torch.as_tensor(value).double() * (factor if place == 0 else 1.0))


def _inputs(node: Any) -> list[Any]:
    return list(node.inputs())


def _name(node: Any) -> str:
    name = node.kind().removeprefix("aten::")
    return _RENAMED.get(name, name)


def _is_constant(value: Any) -> bool:
    node = value.node()
    if node.kind() in ("prim::ListConstruct", "prim::TupleConstruct"):
        return all(_is_constant(v) for v in node.inputs())
    return bool(node.kind() == "prim::Constant")


def _constant(value: Any) -> Any:
    node = value.node()
    return value.toIValue() if node.kind() == "prim::Constant" else [_constant(v) for v in node.inputs()]


def _numbers(value: Any) -> list[float]:
    tensor = torch.as_tensor(value)
    # Asked before the numbers are laid out: a small file may hold a large tensor, all of one number.
    if tensor.numel() > MAX_NUMBERS:
        raise FieldError("network", f"at most {MAX_NUMBERS} numbers in a tensor", tensor.numel())
    numbers: list[float] = tensor.detach().double().flatten().tolist()
    return numbers
