"""What leaves the daemon: OSC and MIDI for synthesisers, sent as early as it can be."""
