"""Packets in bytes, both ways."""

from remapd.control.osc.decoding import Bundle, Message, Packet, decode
from remapd.control.osc.encoding import encode, encode_bundle

__all__ = ["Bundle", "Message", "Packet", "decode", "encode", "encode_bundle"]
