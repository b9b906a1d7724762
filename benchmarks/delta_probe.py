"""The probe of a Delta table: who polls it, when does he see a row's count grow?

    python -m benchmarks.delta_probe --table PATH --folder FOLDER --span 300

watches until SIGTERM. Each look reads the windows of the last `span` seconds only, as a look at all of them would take ever
longer: what comes later than that is never seen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as ds
from deltalake import DeltaTable

from benchmarks.probes import record
from benchmarks.windows import Row, Sighting

LEAST_SPAN_SECONDS = 180.0
_POLL_SECONDS = 0.02
_LOOK_ANYWAY_SECONDS = 1.0


def sightings(path: str, span: timedelta, is_over: Callable[[], bool]) -> Iterator[Sighting]:
    """Poll the table, which may not exist yet; every row of the last `span` whose count has grown."""
    while not DeltaTable.is_deltatable(path):
        if is_over():
            return
        time.sleep(_POLL_SECONDS)
    yield from _seen_counts(path, span, is_over)


def _seen_counts(path: str, span: timedelta, is_over: Callable[[], bool]) -> Iterator[Sighting]:
    table, counts = DeltaTable(path), dict[Row, int]()
    while not is_over():
        rows = _rows_since(table, datetime.now(UTC) - span)
        at = time.time()
        for row, count in rows:
            if count > counts.get(row, 0):
                counts[row] = count
                yield Sighting(at, row, count)
        seen = table.version()
        while table.version() == seen and not is_over():
            _await_commit(path, seen + 1, is_over)
            table.update_incremental()


def _await_commit(path: str, version: int, is_over: Callable[[], bool]) -> None:
    """Return when it is there: a commit is a file of its version's name (Delta's protocol), so the log need not be read before.

    Or after a while: who stood still for long may find that the log's upkeep has removed that file.
    """
    commit, latest = Path(path, "_delta_log", f"{version:020}.json"), time.monotonic() + _LOOK_ANYWAY_SECONDS
    while not commit.exists() and not is_over() and time.monotonic() < latest:
        time.sleep(_POLL_SECONDS)


def _rows_since(table: DeltaTable, since: datetime) -> list[tuple[Row, int]]:
    columns = ["window_start", "equipment_id", "sensor_name", "reading_count"]
    read = table.to_pyarrow_dataset().to_table(columns=columns, filter=ds.field("window_start") > since)
    starts = read["window_start"].cast("int64").to_pylist()
    keys = zip(starts, read["equipment_id"].to_pylist(), read["sensor_name"].to_pylist(), strict=True)
    return list(zip(keys, read["reading_count"].to_pylist(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder for what it tells")
    parser.add_argument("--span", type=float, default=LEAST_SPAN_SECONDS, help="seconds back from now whose windows are read")
    given = parser.parse_args()
    span = timedelta(seconds=given.span)
    record(lambda is_over: sightings(given.table, span, is_over), given.folder)


if __name__ == "__main__":
    main()
