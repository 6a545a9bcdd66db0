"""Sinks as the control plane keeps them: a list that clients change and the engine process is told."""
