"""`pitlake`, with micro-batches that follow each other at once in place of every two seconds."""

from pitlake.cli.main import main
from pitlake.engine import queries

queries.MICRO_BATCH = "0 seconds"

if __name__ == "__main__":
    main()
