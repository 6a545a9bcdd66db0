"""OSC: packets, addresses and patterns, framing, planned bundles, and the server on UDP and TCP."""
