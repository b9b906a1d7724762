"""Is every reading in gold exactly once, whatever dies?

Runs the mine, kills Spark's driver, its JVM, the writer and the endpoint with SIGKILL at random moments, changes a dimension row
in between, and then holds every one-minute window against a recomputation from the simulator's ledger.

    .venv/bin/python -m benchmarks.exactly_once --minutes 8 --kills 10
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from deltalake import DeltaTable

from pitlake.local.supervision import termination_as_exit
from tests.support.mine import SILVER_KEY, Mine, mine_at
from tests.support.oracle import readings_in, repeated_keys

SETTLE_SECONDS = 150.0
VICTIMS = ("jvm", "writer", "pipeline", "endpoint", "writer")


@termination_as_exit()
def main() -> int:
    """Run it; the report goes to standard output as JSON, and the exit code is 0 when nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the moments and victims, and of the mine")
    parser.add_argument("--story", action="append", default=[])
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as home, mine_at(Path(home)) as mine:
        killed = _run(mine, given, chance)
        report = _report(mine, killed)
    json.dump(report, sys.stdout, indent=2)
    return 1 if report["differences"] or report["silver_keys_repeated"] else 0


def _run(mine: Mine, given: argparse.Namespace, chance: random.Random) -> list[str]:
    moments = sorted(chance.uniform(0.05, 0.95) * given.minutes * 60 for _ in range(given.kills))
    killed: list[str] = []
    with mine.simulated(*given.story, seed=given.seed):
        before = 0.0
        for count, moment in enumerate(moments):
            mine.run(moment - before)
            before = moment
            killed.append(f"{moment:.0f} s: {mine.kill(chance.choice(VICTIMS))}")
            if count == given.kills // 2:
                machines = DeltaTable(mine.table("equipment_master"))
                machines.update({"location": "'moved in between'"}, predicate="equipment_id = 'CR_002'")
        mine.run(given.minutes * 60 - before)
    return killed


def _report(mine: Mine, killed: list[str]) -> dict[str, object]:
    settled = mine.run_until(mine.has_caught_up, SETTLE_SECONDS, every=2.0)
    return {
        "killed": killed,
        "settled": settled,
        "rows": {name: comparison.rows for name, comparison in mine.compare().items()},
        "differences": mine.differences()[:20],
        "readings_sent": readings_in(mine.ledger),
        "silver_rows": mine.rows("ot_sensors_normalized"),
        "silver_keys_repeated": repeated_keys(mine.table("ot_sensors_normalized"), SILVER_KEY),
    }


if __name__ == "__main__":
    sys.exit(main())
