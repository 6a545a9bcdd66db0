"""MIDI that comes in: decoded, learnt and mapped to the tree."""
