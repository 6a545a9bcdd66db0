"""OSC: addresses and patterns, planned bundles, and the server on UDP and TCP."""
