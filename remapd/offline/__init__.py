"""Rendering of files, and what is written about a performance."""
