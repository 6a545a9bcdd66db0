"""Hits as OSC: what a sink says of itself, and the packets that are made of it."""
