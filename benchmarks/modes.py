"""Do both modes make the same tables, and how late is each?

Runs the mine in real time, then in micro-batches, with the same seed; holds every table of each run against its ledger,
and prints the latencies from event to Delta side by side, those of the first minute left out. They count stored rows, the newest
one per key and commit, not readings.

    .venv/bin/python -m benchmarks.modes --minutes 4 --story bearing-wear
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.stages import StageWatch
from pitlake.cli.summary import WHOLE_WAY
from pitlake.engine.options import Mode
from pitlake.lake.latency import Histogram
from pitlake.local.supervision import termination_as_exit
from tests.support.mine import mine_at
from tests.support.oracle import Comparison, readings_in

MODES: tuple[Mode, ...] = ("realtime", "micro-batch")
WARM_UP_SECONDS = 60.0
SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Run:
    """What one mode made: the readings sent, each table held against the ledger, and each table's latencies."""

    readings: int
    comparisons: dict[str, Comparison]
    latencies: dict[str, Histogram]


@termination_as_exit()
def main() -> int:
    """Run both; the exit code is 0 when no table of either differs from its ledger."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--story", action="append", default=[])
    given = parser.parse_args()
    console = Console(width=120)
    runs: dict[Mode, Run] = {}
    for mode in MODES:
        runs[mode] = _run(mode, given.minutes * 60, given.seed, given.story)
        _print_run(console, mode, runs[mode])
    _print_latencies(console, runs)
    return int(any(comparison.differences for run in runs.values() for comparison in run.comparisons.values()))


def _run(mode: Mode, seconds: float, seed: int, stories: Sequence[str]) -> Run:
    with tempfile.TemporaryDirectory() as home, mine_at(Path(home), mode) as mine:
        since = datetime.now(UTC) + timedelta(seconds=WARM_UP_SECONDS)
        with StageWatch(mine.system.settings.lake_url, since) as watch:
            with mine.simulated(*stories, seed=seed):
                mine.run(seconds)
            mine.run_until(mine.has_caught_up, SETTLE_SECONDS, every=2.0)
        latencies = {table: stages[WHOLE_WAY] for table, stages in watch.stages().items() if WHOLE_WAY in stages}
        return Run(readings_in(mine.ledger), mine.compare(), latencies)


def _print_run(console: Console, mode: Mode, run: Run) -> None:
    console.print(f"{mode}: {run.readings} readings sent")
    for name, comparison in run.comparisons.items():
        console.print(f"  {name}: {comparison.rows} rows expected, {len(comparison.differences)} differences")
        for line in comparison.differences[:5]:
            console.print(f"    {line}")


def _print_latencies(console: Console, runs: dict[Mode, Run]) -> None:
    shown = Table("event to Delta, ms", *(f"{mode} {q}" for mode in runs for q in ("p50", "p99")), box=None)
    for name in sorted(runs["realtime"].latencies):
        found = (run.latencies.get(name, Histogram()) for run in runs.values())
        shown.add_row(name, *(_milliseconds(one.percentile(q)) for one in found for q in (0.5, 0.99)))
    console.print(shown)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"


if __name__ == "__main__":
    sys.exit(main())
