"""What does the whole system cost while no reading comes?

Runs broker, endpoint, pipeline and writer, as `pitlake up` does, and meters all of their processes.

    .venv/bin/python -m benchmarks.idle
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.resources import Meter
from pitlake.local.supervision import termination_as_exit
from tests.support.mine import mine_at


@termination_as_exit()
def main() -> None:
    """Run it; processor cores and memory in MB go to standard output as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm-up", type=float, default=60, help="seconds before it counts, once all flows run")
    parser.add_argument("--seconds", type=float, default=120, help="seconds that count: at least a batch of every flow")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, mine_at(Path(home)) as mine:
        mine.run(given.warm_up)
        with Meter([os.getpid()]) as meter:
            mine.run(given.seconds)
    print(json.dumps({"cores": round(meter.cpu_seconds / given.seconds, 3), "memory_mb": round(meter.memory_mb)}))


if __name__ == "__main__":
    main()
