"""Synthesisers: one table of parameters and one voice per file."""
