"""The code in a TorchScript file: nothing but arithmetic may be called.

A TorchScript file holds source text in a subset of Python. Among the operators it may call are some that read and write
files, and a method of the right name runs while the file is loaded. So the text is looked at before torch sees it:
every call must be of a known harmless operator or of a function of the file itself, and there may be no loop.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence

from remapd.errors import FieldError
from remapd.fields import shown

_OPERATORS = """
add sub rsub mul div neg pow sqrt rsqrt exp log abs sign reciprocal square sum mean var std floor round
linear addmm mm matmul t transpose permute layer_norm batch_norm group_norm dropout
relu relu_ tanh tanh_ sigmoid gelu silu elu leaky_relu softplus softsign hardtanh hardtanh_ hardsigmoid softmax
clamp clamp_ clip clamp_min clamp_max minimum maximum min max where
cat concat stack vstack hstack reshape view flatten squeeze unsqueeze select slice narrow expand expand_as chunk
split contiguous detach clone to type_as double float zeros ones full zeros_like ones_like tensor
eq ne lt gt le ge len size dim numel format str append __getitem__ __not__ __is__ __isnot__ __contains__ __and__
__or__ floordiv warn
"""
#: Operators that compute with tensors, shapes and numbers, and touch nothing else.
OPERATORS = frozenset(_OPERATORS.split())
_PRIMITIVES = frozenset({"RaiseException", "dtype", "device", "NumToTensor", "min", "max", "unchecked_cast"})
_BUILTINS = frozenset({"annotate", "uninitialized", "unchecked_cast", "getattr", "int", "float", "bool", "isinstance"})

_NODES: tuple[type[ast.AST], ...] = (
    ast.Module, ast.ClassDef, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AnnAssign, ast.Expr,
    ast.If, ast.IfExp, ast.Raise, ast.Assert, ast.Pass, ast.Call, ast.keyword, ast.Attribute, ast.Subscript, ast.Slice,
    ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare,
    ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
_RUN_WHILE_LOADED = frozenset({"__setstate__", "__getstate__", "__init__", "__new__", "__del__"})
# Where torch keeps classes written in C++, whose methods may do anything. The name alone is refused, for there are many
# ways to the class: another variable for it, or for a part of the way.
_FOREIGN = "classes"
_FIELD = "code"


def checked_code(texts: Sequence[str], operators: Collection[str]) -> list[str]:
    """Refuse code that does more than arithmetic.

    Parameters
    ----------
    texts : sequence of str
        Content of the source files of one archive.
    operators : collection of str
        Names of all operators that torch has; a method of the file may not be called like one, for then a call of it
        could be one of the operator.

    Returns
    -------
    list of str
        The texts written anew: what torch parses is what was looked at, even where its grammar is not Python's.

    Raises
    ------
    FieldError
        If anything else is called, there is a loop, a class of torch's own, or a method that runs while the file is
        loaded.
    """
    trees = [_parsed(text) for text in texts]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    methods = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    for name in sorted(methods & _RUN_WHILE_LOADED):
        raise FieldError(_FIELD, "nothing that runs while the file is loaded", name)
    callable_methods = OPERATORS | (methods - set(operators))
    for node in nodes:
        if not isinstance(node, _NODES) or getattr(node, "decorator_list", []):
            raise FieldError(_FIELD, "plain expressions without loops", type(node).__name__.lower())
        if _names(node) == _FOREIGN:
            raise FieldError(_FIELD, "no classes of torch's own", shown(ast.unparse(node)))
    for call, functions in _calls(trees):
        _check_call(call.func, callable_methods, functions)
    return [ast.unparse(tree) + "\n" for tree in trees]


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FieldError(_FIELD, "TorchScript source text", shown(str(error))) from None


def _names(node: ast.AST) -> object:
    """What an attribute is called, or a constant's value, which may name one for `getattr`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.value if isinstance(node, ast.Constant) else None


def _calls(trees: Iterable[ast.AST]) -> Iterator[tuple[ast.Call, set[str]]]:
    """Every call, with the variables of its scope that stand for a function of the file."""
    for tree in trees:
        functions = _function_names(tree) if isinstance(tree, ast.FunctionDef) else set()
        inner, scopes = _scope(tree)
        yield from ((node, functions) for node in inner if isinstance(node, ast.Call))
        yield from _calls(scopes)


def _scope(root: ast.AST) -> tuple[list[ast.AST], list[ast.AST]]:
    """Nodes of a scope, and the functions in it, which are scopes of their own."""
    nodes: list[ast.AST] = []
    scopes: list[ast.AST] = []
    waiting = list(ast.iter_child_nodes(root))
    while waiting:
        node = waiting.pop()
        (scopes if isinstance(node, ast.FunctionDef) else nodes).append(node)
        if not isinstance(node, ast.FunctionDef):
            waiting.extend(ast.iter_child_nodes(node))
    return nodes, scopes


def _function_names(function: ast.AST) -> set[str]:
    """Variables that stand for a function of the file, and never for anything else."""
    functions: set[str] = set()
    others: set[str] = set()
    for node in ast.walk(function):
        for target, value in _assignments(node):
            names = functions if value is not None and _path(value)[:1] == ["__torch__"] else others
            names.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
        if isinstance(node, ast.arg):
            others.add(node.arg)
    return functions - others


def _assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign):
        yield node.target, node.value


def _check_call(function: ast.expr, methods: Collection[str], functions: Collection[str]) -> None:
    match _path(function):
        case ["torch", name]:
            allowed = name in OPERATORS
        case ["ops", "prim", name]:
            allowed = name in _PRIMITIVES
        case ["torch" | "ops", *_]:
            allowed = False
        case ["__torch__", *_]:
            allowed = True
        case [name]:
            allowed = name in _BUILTINS or name in functions
        case _:
            allowed = isinstance(function, ast.Attribute) and function.attr in methods
    if not allowed:
        raise FieldError(_FIELD, "calls of arithmetic alone", shown(ast.unparse(function)))


def _path(node: ast.expr) -> list[str]:
    """Names of a dotted chain from its root; empty where the root is an expression."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []
