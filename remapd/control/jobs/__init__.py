"""Training while the music plays: one job after the other, each in a process that gives way to all others."""
