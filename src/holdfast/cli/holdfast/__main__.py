"""``python -m holdfast.cli.holdfast``: the program where its script is not installed."""

import sys

from holdfast.cli.holdfast import main

sys.exit(main())
