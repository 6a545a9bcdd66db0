"""Measured latency: clicks out of a real device, back into it, and through the engine."""
