"""Recordings: of the input while it plays, and uploads; listed, measured, handed out, deleted."""
