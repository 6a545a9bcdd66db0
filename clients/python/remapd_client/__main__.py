"""``python -m remapd_client``."""

import sys

from remapd_client.cli import main

sys.exit(main())
