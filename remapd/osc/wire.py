"""What packets are made of, whichever way they go."""

from __future__ import annotations

import struct

#: With this a bundle begins.
BUNDLE = b"#bundle\0"
INT32, INT64, FLOAT, DOUBLE = (struct.Struct(code) for code in (">i", ">q", ">f", ">d"))


def is_plain(text: str) -> bool:
    """Whether a text is of the characters that an address may have."""
    return text.isascii() and text.isprintable()
