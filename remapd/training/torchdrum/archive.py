"""The outside of a TorchScript file: a zip archive, looked through and packed anew before torch sees it.

Packed anew, because two readers of a doubtful archive may find different content in it, and because what is not needed
(debugging tables, extra files) is left out.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from remapd.errors import FieldError
from remapd.fields import shown

MAX_FILE_BYTES = 4 << 20
MAX_CONTENT_BYTES = 16 << 20
MAX_ENTRIES = 1000

#: Extra file of an archive that remapd wrote: the whole model, which TorchDrum does not look at.
MODEL_ENTRY = "extra/remapd.safetensors"

_NEEDED = re.compile(r"version|byteorder|(data|constants)\.pkl|(data|constants)/\d+|code/[\w/]+\.py")
# Part of the name of every class that torch has written in C++: reading an object of one calls its code.
_FOREIGN = b"classes"
_FIELD = "file"


@dataclass(frozen=True)
class Archive:
    """Content of a TorchScript file.

    Parameters
    ----------
    entries : dict of str to bytes
        What torch needs to load it and nothing else, by name.
    model : bytes or None
        The model file that came with it.
    """

    entries: dict[str, bytes]
    model: bytes | None

    @property
    def code(self) -> dict[str, str]:
        """Source texts by name.

        Raises
        ------
        FieldError
            If one is no text.
        """
        return {name: _text(data) for name, data in self.entries.items() if name.endswith(".py")}


def read_archive(content: bytes) -> Archive:
    """Look through a TorchScript file.

    Raises
    ------
    FieldError
        If it is no zip archive, damaged, too large when unpacked, no TorchScript, or holds objects of torch's classes.
    """
    entries = _entries(content)
    needed = {name: data for name, data in entries.items() if _NEEDED.fullmatch(name)}
    if "constants.pkl" not in needed or not any(name.startswith("code/") for name in needed):
        raise FieldError(_FIELD, "a model as torch.jit.save writes it", "an archive without code")
    if any(_FOREIGN in data for name, data in needed.items() if name.endswith(".pkl")):
        raise FieldError(_FIELD, "tensors and numbers", "an object of one of torch's own classes")
    return Archive(needed, entries.get(MODEL_ENTRY))


def pack(entries: Mapping[str, bytes]) -> bytes:
    """Content of an archive; equal entries give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), data)
    return out.getvalue()


def _entries(content: bytes) -> dict[str, bytes]:
    """Content by name, without the folder that holds it all."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _unpacked(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise FieldError(_FIELD, "a TorchScript file, which is a zip archive", shown(str(error))) from None


def _unpacked(archive: zipfile.ZipFile) -> dict[str, bytes]:
    if len(archive.infolist()) > MAX_ENTRIES:
        raise FieldError(_FIELD, f"at most {MAX_ENTRIES} entries", len(archive.infolist()))
    entries: dict[str, bytes] = {}
    left = MAX_CONTENT_BYTES
    for info in archive.infolist():
        name = info.filename.partition("/")[2]
        if name in entries:
            raise FieldError(_FIELD, "every entry once", shown(name))
        # Read up to what is left, whatever size the archive claims.
        with archive.open(info) as entry:
            entries[name] = entry.read(left + 1)
        left -= len(entries[name])
        if left < 0:
            raise FieldError(_FIELD, f"at most {MAX_CONTENT_BYTES >> 20} MiB when unpacked", "more")
    return entries


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FieldError("code", "UTF-8 text", shown(str(error))) from None
