"""Of the code in a TorchScript file nothing but arithmetic passes."""

from __future__ import annotations

import pytest

from remapd.errors import FieldError
from remapd.training.torchdrum.code import checked_code

#: What torch has, in small.
TORCH = ("tanh", "add", "save", "from_file", "norm")
HEAD = "class M(Module):\n  norm : Tensor\n  def {name}(self: __torch__.M, x: Tensor, y: Tensor) -> Tensor:\n    "


def check(body: str, name: str = "forward") -> list[str]:
    return checked_code([HEAD.format(name=name) + body], TORCH)


@pytest.mark.parametrize(
    "body",
    [
        "return torch.tanh(x)",
        "if True:\n      z = torch.add(x, 1., alpha=2)\n    else:\n      z = x\n    return z",
        "_0 = __torch__.torch.nn.functional.relu\n    return _0(x, )",
        "_0 = getattr(self, '0')\n    return (_0).forward(x, )",
        "norm = self.norm\n    return torch.add(x, norm)",
        "return torch.add(x, CONSTANTS.c0)",
        "ops.prim.RaiseException('no')\n    return annotate(Tensor, x)",
    ],
)
def test_arithmetic_passes_and_is_written_anew(body):
    [text] = check(body)
    assert checked_code([text], TORCH) == [text]


@pytest.mark.parametrize(
    "body",
    [
        "return torch.save(x, 'a')",
        "return torch.jit.fork(x)",
        "return ops.aten.save(x, 'a')",
        "return ops.torch.anything(x)",
        "return __torch__.torch.classes.some.Class(x)",
        "f = __torch__.torch.classes.some.Class\n    return f(x)",
        "t = __torch__.torch\n    return t.classes.some.forward(x)",
        "return getattr(__torch__, 'torch').classes.some.forward(x)",
        "t = getattr(__torch__.torch, 'classes')\n    return t.some.forward(x)",
        "y = annotate(__torch__.torch.classes.some.Class, x)\n    return x",
        "return x.save('a')",
        "return (x).save('a')",
        "return (torch.tanh(x)).save('a')",
        "return self.norm(x)",
        "f = torch.save\n    return f(x, 'a')",
        "f = __torch__.f\n    f = x.save\n    return f('a')",
        "if True:\n      f = __torch__.f\n    else:\n      f = x.save\n    return f('a')",
        "return x(y)",
        "return getattr(x, 'save')('a')",
        "return [x.save][0]('a')",
        "return fork(x)",
        "return print(x)",
        "return eval('1')",
        "while True:\n      pass",
        "for i in range(9):\n      pass",
        "return [torch.tanh(z) for z in [x]]",
        "with x:\n      pass",
        "try:\n      pass\n    except:\n      pass",
        "import os",
        "return (lambda: x)",
        "global x",
        "x = yield",
        "return f'{x}'",
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(FieldError, match="code: expected"):
        check(body)


def test_a_method_named_like_an_operator_does_not_make_the_operator_pass():
    with pytest.raises(FieldError, match=r"self\.save"):
        checked_code([HEAD.format(name="save") + "return self.save(x, x)"], TORCH)
    assert checked_code([HEAD.format(name="centred") + "return self.centred(x, x)"], TORCH)


def test_a_parameter_is_no_function_of_the_file():
    with pytest.raises(FieldError, match="got 'x'"):
        check("x = __torch__.f\n    return x(y)")


@pytest.mark.parametrize("name", ["__setstate__", "__getstate__", "__init__"])
def test_what_runs_while_a_file_is_loaded_is_refused(name):
    with pytest.raises(FieldError, match=name):
        check("return x", name)


@pytest.mark.parametrize(
    "text", ["class M(", "\0", "x = " + "(" * 5000, "x = 1" + "+1" * 100000, "@f\ndef g():\n  pass"]
)
def test_text_that_is_no_code_is_refused(text):
    with pytest.raises(FieldError, match="code: expected"):
        checked_code([text], TORCH)
