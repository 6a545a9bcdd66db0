"""The outside of a model file: a safetensors file with one JSON document among its metadata.

safetensors is 8 bytes of length, that many bytes of JSON, and the numbers; nothing in it can be executed. Sizes are
checked before anything is parsed. The document is one string under the key `KEY`, because the library writes several
keys in an order that differs from run to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from remapd.errors import FieldError, ModelError
from remapd.fields import checked_object, parsed_json, shown

MAX_FILE_BYTES = 1 << 20
MAX_HEADER_BYTES = 1 << 18
KEY = "remapd"

Tensors = Mapping[str, NDArray[np.float32]]

_LENGTH_BYTES = 8
_DTYPE = "F32"


def pack(document: str, tensors: Tensors) -> bytes:
    """Content of a file; equal arguments give equal bytes."""
    ordered = {name: np.ascontiguousarray(tensors[name], dtype=np.float32) for name in sorted(tensors)}
    return safetensors.numpy.save(ordered, metadata={KEY: document})


def unpack(content: bytes) -> tuple[Mapping[str, Any], Tensors]:
    """Document and tensors of a file's content.

    Raises
    ------
    ModelError
        If it is too large or no safetensors file.
    FieldError
        If it has no document, or a tensor of another type than 32-bit float.
    """
    document = _document(_header(content))
    try:
        found = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise ModelError(f"damaged: {shown(str(error), 200)}") from None
    return document, {name: _tensor(name, info) for name, info in found}


def _header(content: bytes) -> Mapping[str, object]:
    if len(content) > MAX_FILE_BYTES:
        raise ModelError(f"larger than {MAX_FILE_BYTES // 1024} KiB")
    if len(content) < _LENGTH_BYTES:
        raise ModelError(f"no safetensors file: {len(content)} bytes long" if content else "the file is empty")
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    if length > min(MAX_HEADER_BYTES, len(content) - _LENGTH_BYTES):
        raise ModelError(f"damaged or no safetensors file: its header claims {length} bytes")
    return _parsed_object(content[_LENGTH_BYTES : _LENGTH_BYTES + length], "header")


def _document(header: Mapping[str, object]) -> Mapping[str, object]:
    metadata = checked_object(header.get("__metadata__", {}), "header.__metadata__")
    text = metadata.get(KEY)
    if not isinstance(text, str):
        raise FieldError(f"header.__metadata__.{KEY}", "the description of a model that remapd saved", text)
    return _parsed_object(text, KEY)


def _parsed_object(text: str | bytes, field: str) -> Mapping[str, object]:
    try:
        return checked_object(parsed_json(text), field)
    except ValueError as error:
        raise FieldError(field, "JSON text", str(error)) from None


def _tensor(name: str, info: Mapping[str, Any]) -> NDArray[np.float32]:
    if info["dtype"] != _DTYPE:
        raise FieldError(f"tensors.{shown(name)}", f"numbers of type {_DTYPE}", info["dtype"])
    return np.frombuffer(info["data"], dtype="<f4").reshape(info["shape"])
