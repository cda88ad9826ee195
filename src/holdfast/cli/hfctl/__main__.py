"""``python -m holdfast.cli.hfctl``."""

import sys

from holdfast.cli.hfctl import main

sys.exit(main())
