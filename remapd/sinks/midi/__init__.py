"""Hits as MIDI: controllers and notes, in the order and at the rate that a wire takes."""
