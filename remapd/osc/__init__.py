"""OSC in bytes: packets, what they carry, and how they lie in a stream."""
