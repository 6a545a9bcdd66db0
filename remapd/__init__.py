"""remapd: what a drummer plays becomes what a synthesiser does."""

__version__ = "0.1.0"
