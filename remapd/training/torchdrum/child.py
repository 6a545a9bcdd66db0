"""The process in which a TorchScript file is read; see `process` for its parent.

It gets one line of JSON and then the file on its standard input, and answers with one JSON document.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import warnings
from typing import Any, BinaryIO

from remapd.errors import FieldError, RemapdError
from remapd.fields import shown
from remapd.processes import limit_this_process, lower_priority
from remapd.training.torchdrum.archive import pack, read_archive
from remapd.training.torchdrum.code import checked_code

_WHILE_RUN = "The following operation failed"


def main() -> None:
    """Answer one request."""
    lower_priority()
    out = _claim_standard_output()
    request = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    import torch

    # Python's objects that torch imports at first use are there before the limits are.
    import remapd.training.torchdrum.graph  # noqa: F401

    torch.set_num_threads(1)
    limit_this_process(request["cpu_s"], request["memory_bytes"])
    out.write(json.dumps(answer(content, request["inputs"])).encode())
    out.flush()
    # No destructor of what came with the file.
    os._exit(0)


def _claim_standard_output() -> BinaryIO:
    """Keep standard output for the answer, and let whatever else is written to it or to standard error go nowhere."""
    out = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return out


def answer(content: bytes, inputs: list[list[float]]) -> dict[str, Any]:
    """What is in a file and what it answers, or why it is refused."""
    try:
        return _read(content, inputs)
    except RemapdError as error:
        return {"refused": str(error)}
    except (Exception, MemoryError, RecursionError) as error:
        # Whatever torch finds wrong with the file.
        return {"refused": f"torch cannot read it: {shown(_gist(error), 200)}"}


def _gist(error: BaseException) -> str:
    """The line of an error that tells most: what failed while code was run stands last, anything else first."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if lines[0].startswith(_WHILE_RUN) else lines[0]


def _read(content: bytes, inputs: list[list[float]]) -> dict[str, Any]:
    import torch

    from remapd.training.torchdrum.graph import read_graph

    archive = read_archive(content)
    operators = {schema.name.partition("::")[2] for schema in torch._C._jit_get_all_schemas()}
    texts = checked_code(list(archive.code.values()), operators)
    code = {name: text.encode() for name, text in zip(archive.code, texts, strict=True)}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(io.BytesIO(pack({**archive.entries, **code})), map_location="cpu").eval()
        outputs = _outputs(module, inputs)
        steps, preset = read_graph(torch.jit.freeze(module.double()).graph)
    model = None if archive.model is None else base64.b64encode(archive.model).decode()
    return {"steps": steps, "preset": preset, "outputs": outputs, "model": model}


def _outputs(module: Any, inputs: list[list[float]]) -> list[list[list[float]]]:
    """Output for each input, in double precision where the module can compute so."""
    import torch

    rows = torch.tensor(inputs, dtype=torch.float64)
    _check_shape(module(rows[:1].float()))
    try:
        doubled = module.double()
        return [doubled(row[None]).tolist() for row in rows]
    except RuntimeError:
        single = module.float()
        return [single(row[None]).tolist() for row in rows.float()]


def _check_shape(output: Any) -> None:
    shape = getattr(output, "shape", None)
    if shape is None:
        raise FieldError("output", "a tensor", type(output).__name__)
    if len(shape) != 2 or shape[0] != 2:
        raise FieldError("output", "2 rows, the modulation and the preset", f"shape {tuple(shape)}")
