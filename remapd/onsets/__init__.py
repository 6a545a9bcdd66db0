"""Onset detection."""
