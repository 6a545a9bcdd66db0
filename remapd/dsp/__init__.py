"""Blocks of signal processing, compiled."""
