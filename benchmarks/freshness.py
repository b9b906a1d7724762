"""How long after a sensor changed does a reader of the gold Delta table see it?

A reader polls `equipment_performance_1min` while the demo runs, and notes when each row's `reading_count` first reached k. The
simulator's ledger says when the k-th reading of that row was measured. The difference is the whole way: event, broker, Spark,
writer, commit, and the poll itself.

    .venv/bin/pitlake demo --for 4m --ledger /tmp/ledger.jsonl &
    .venv/bin/python benchmarks/freshness.py --ledger /tmp/ledger.jsonl --skip 60 --seconds 150
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as ds
from deltalake import DeltaTable

Row = tuple[int, str, str]
"""Window start (µs since the epoch), equipment_id, sensor_name."""

POLL_SECONDS = 0.02
OPEN_WINDOWS = timedelta(minutes=3)
MINUTE_US = 60_000_000


def seen_counts(table: DeltaTable, is_over: Callable[[], bool]) -> Iterator[tuple[float, Row, int]]:
    """Poll the table and yield (unix time, row, reading_count) whenever a row's count has grown."""
    counts: dict[Row, int] = {}
    version = None
    while not is_over():
        table.update_incremental()
        if table.version() == version:
            time.sleep(POLL_SECONDS)
            continue
        version = table.version()
        rows = _open_rows(table)
        now = time.time()
        for row, count in rows:
            if count > counts.get(row, 0):
                counts[row] = count
                yield now, row, count


def _open_rows(table: DeltaTable) -> list[tuple[Row, int]]:
    recent = ds.field("window_start") > datetime.now(UTC) - OPEN_WINDOWS
    columns = ["window_start", "equipment_id", "sensor_name", "reading_count"]
    read = table.to_pyarrow_dataset().to_table(columns=columns, filter=recent)
    starts = read["window_start"].cast("int64").to_pylist()
    keys = zip(starts, read["equipment_id"].to_pylist(), read["sensor_name"].to_pylist(), strict=True)
    return list(zip(keys, read["reading_count"].to_pylist(), strict=True))


def measured_at(ledger: Iterable[Mapping[str, object]]) -> dict[Row, list[float]]:
    """Per gold row, the event times (unix seconds) of its numeric readings in the order in which they landed."""
    landed: dict[Row, list[tuple[int, float]]] = defaultdict(list)
    for reading in ledger:
        if not isinstance(reading["value"], int | float) or isinstance(reading["value"], bool):
            continue
        event = datetime.fromisoformat(str(reading["event_timestamp"]))
        micros = int(event.timestamp() * 1000) * 1000
        row = (micros // MINUTE_US * MINUTE_US, str(reading["equipment_id"]), str(reading["sensor_name"]))
        landed[row].append((int(str(reading["landing_offset"])), event.timestamp()))
    return {row: [event for _, event in sorted(readings)] for row, readings in landed.items()}


def latencies(seen: Iterable[tuple[float, Row, int]], events: Mapping[Row, list[float]]) -> Iterator[float]:
    """Seconds from event to visibility of every reading that the reader saw arrive; rows first seen half full are left out."""
    last: dict[Row, int] = {}
    for at, row, count in seen:
        known = events.get(row, [])
        if row in last or count == 1 or at - row[0] / 1e6 < 1.5:
            yield from (at - event for event in known[last.get(row, 0) : count])
        last[row] = count


def percentile(ordered: list[float], share: float) -> float:
    """The value below which `share` of the ordered values lie."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default=".pitlake/lake/field_engineering/mining_demo/equipment_performance_1min")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--skip", type=float, default=60, help="seconds of warm-up that are not counted")
    parser.add_argument("--seconds", type=float, default=120, help="seconds that are counted")
    given = parser.parse_args()
    while not DeltaTable.is_deltatable(given.table):
        time.sleep(0.2)
    table = DeltaTable(given.table)
    while table.to_pyarrow_dataset().count_rows() == 0:
        time.sleep(0.2)
        table.update_incremental()
    begin = time.time() + given.skip
    end = begin + given.seconds
    seen = list(seen_counts(table, lambda: time.time() >= end))
    with given.ledger.open() as lines:
        events = measured_at(map(json.loads, lines))
    # Warm-up is walked through too, so that a row's count is known where counting begins.
    warm = [s for s in seen if s[0] < begin]
    counted = sorted(list(latencies(seen, events))[len(list(latencies(warm, events))) :])
    figures = {f"p{share * 100:g}_ms": round(percentile(counted, share) * 1000) for share in (0.5, 0.95, 0.99, 0.999)}
    print(json.dumps({"readings": len(counted), **figures, "max_ms": round(counted[-1] * 1000)}))


if __name__ == "__main__":
    main()
