"""``python -m remapd``."""

from remapd.cli import main

main()
