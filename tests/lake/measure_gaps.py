"""How evenly tables that share the writer's process commit, in real time, and what was running in the longest gaps. Not a test.

python tests/lake/measure_gaps.py [SECONDS] [READINGS_PER_SECOND]
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from measure_writer import CURRENT, GOLD, SILVER, current_records, gold_records, silver_records

from pitlake.lake import upkeep
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.follower import Pace
from pitlake.lake.writer.table import TableWriter
from pitlake.streams.records import Record

INTERVAL = 0.25
VACUUM_EVERY = timedelta(seconds=75)
"""In place of ten minutes, so that a short run sees it."""

Rows = Callable[[datetime, int, Iterator[int], int], list[Record]]
TABLES: list[tuple[TableSpec, Rows]] = [
    *[(SILVER, silver_records)] * 5,
    *[(GOLD, gold_records)] * 3,
    *[(CURRENT, current_records)] * 2,
]


@dataclass(frozen=True)
class Work:
    """What a table's thread was at, in seconds of the process's clock."""

    table: str
    name: str
    start: float
    end: float


class Table(threading.Thread):
    """One table, written as its follower would."""

    def __init__(self, spec: TableSpec, rows: Rows, lake: str, per_commit: int, done: list[Work], until: float) -> None:
        super().__init__(name=spec.name.rpartition(".")[2])
        self._rows, self._per_commit, self._done, self._until = rows, per_commit, done, until
        self._writer = TableWriter(spec, lake, [0], writer="measure", now=lambda: datetime.now(UTC))
        self._writer._log.tidy = self._noted("checkpoint", self._writer._log.tidy)
        for task in self._writer._schedule._tasks:
            task.run = self._noted(task.run.__qualname__, task.run)

    def run(self) -> None:
        """Commit and maintain until the time is over."""
        pace, offsets, due = Pace(INTERVAL), itertools.count(), time.perf_counter()
        for commit in itertools.count():
            time.sleep(max(0.0, due - time.perf_counter()))
            if due > self._until:
                return
            start = time.perf_counter()
            records = self._rows(datetime.now(UTC), commit, offsets, self._per_commit)
            self._noted("commit", self._writer.write)(records)
            due = start + pace.after(time.perf_counter() - start)
            self._writer.maintain()

    def _noted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            start = time.perf_counter()
            result = work(*args)
            self._done.append(Work(self.name, name, start, time.perf_counter()))
            return result

        return noted


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _report(done: list[Work]) -> None:
    for name, group in itertools.groupby(sorted(done, key=lambda each: each.name), key=lambda each: each.name):
        took = [(each.end - each.start) * 1000 for each in group if each.end - each.start > 0.0005]
        if took:
            p99 = _percentile(took, 0.99)
            print(f"{name:20} {len(took):6} times, p50 {statistics.median(took):6.1f} ms, p99 {p99:6.1f}, most {max(took):6.1f}")  # noqa: T201
    gaps = []
    for _, group in itertools.groupby(sorted(done, key=lambda each: (each.table, each.start)), key=lambda each: each.table):
        commits = [each for each in group if each.name == "commit"]
        gaps += [(later.end - earlier.end - INTERVAL, earlier.end, later) for earlier, later in itertools.pairwise(commits)]
    late = [gap for gap, _, _ in gaps]
    shares = ", ".join(f"p{share * 100:g} {_percentile(late, share) * 1000:.0f}" for share in (0.5, 0.9, 0.99, 0.999))
    print(f"{len(late)} gaps between commits, beyond {INTERVAL * 1000:.0f} ms: {shares}, most {max(late) * 1000:.0f} ms")  # noqa: T201
    for gap, start, later in sorted(gaps, key=lambda each: -each[0])[:12]:
        during = [each for each in done if each.end > start and each.start < later.end and each.name != "commit"]
        longest = sorted(during, key=lambda each: each.start - each.end)[:4]
        told = "; ".join(f"{each.table} {each.name} {(each.end - each.start) * 1000:.0f} ms" for each in longest)
        commit = f"{later.table} after {later.end - done[0].start:.0f} s (commit {(later.end - later.start) * 1000:.0f} ms)"
        print(f"{gap * 1000:5.0f} ms {commit}: {told}")  # noqa: T201


def _main(seconds: float, readings_per_second: float) -> None:
    upkeep.VACUUM_EVERY = VACUUM_EVERY
    done: list[Work] = []
    with tempfile.TemporaryDirectory() as lake:
        until, cpu = time.perf_counter() + seconds, time.process_time()
        per_commit = max(1, int(readings_per_second * INTERVAL))
        named = [(spec.model_copy(update={"name": f"{spec.name}_{at}"}), rows) for at, (spec, rows) in enumerate(TABLES)]
        tables = [Table(spec, rows, lake, per_commit, done, until) for spec, rows in named]
        for table in tables:
            table.start()
        for table in tables:
            table.join()
        print(f"CPU {(time.process_time() - cpu) / seconds:.0%} of a core")  # noqa: T201
    _report(done)


if __name__ == "__main__":
    _main(*(float(argument) for argument in [*sys.argv[1:], *("150", "120")[len(sys.argv) - 1 :]]))
