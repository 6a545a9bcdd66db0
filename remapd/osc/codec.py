"""Packets in bytes, both ways."""

from remapd.osc.decoding import Bundle, Message, Packet, decode
from remapd.osc.encoding import encode, encode_bundle

__all__ = ["Bundle", "Message", "Packet", "decode", "encode", "encode_bundle"]
