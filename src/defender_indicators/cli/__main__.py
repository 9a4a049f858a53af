"""``python -m defender_indicators.cli``: the same as the installed command."""

import sys

from defender_indicators.cli.entry import main

sys.exit(main())
