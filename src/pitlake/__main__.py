"""`python -m pitlake` is the command `pitlake`."""

from pitlake.cli.main import main

main()
