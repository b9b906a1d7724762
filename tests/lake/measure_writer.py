"""What commits and upkeep cost as a table ages: hours of windows and rows, played by an injected clock. Not a test.

python tests/lake/measure_writer.py [HOURS] [COMMITS_PER_MINUTE]
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from pitlake.lake.rewrite import data_files
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.lake.writer.table import TableWriter
from pitlake.streams.records import Record

KEYS = 170
ROWS_PER_COMMIT = 60
START = datetime(2026, 2, 15, tzinfo=UTC)

GOLD = TableSpec(
    name="catalog.schema.gold",
    topic="gold",
    mode=WriteMode.UPSERT,
    keys=("window_start", "equipment_id", "sensor_name"),
    count="reading_count",
    window="window_start",
    cluster_by=("equipment_id", "date"),
    columns=(
        Column(name="window_start", type="TIMESTAMP", nullable=False),
        Column(name="equipment_id", type="STRING", nullable=False),
        Column(name="sensor_name", type="STRING", nullable=False),
        Column(name="date", type="DATE"),
        Column(name="reading_count", type="BIGINT"),
        Column(name="avg_value", type="DOUBLE"),
        Column(name="processed_at", type="TIMESTAMP"),
    ),
    processed_at=("processed_at",),
)
SILVER = TableSpec(
    name="catalog.schema.silver",
    topic="silver",
    mode=WriteMode.APPEND,
    keys=("landing_id",),
    cluster_by=("equipment_id",),
    event_time="event_timestamp",
    columns=(
        Column(name="landing_id", type="STRING", nullable=False),
        Column(name="event_timestamp", type="TIMESTAMP"),
        Column(name="equipment_id", type="STRING"),
        Column(name="sensor_value", type="DOUBLE"),
        *(Column(name=f"attribute_{index}", type="STRING") for index in range(20)),
    ),
)
CURRENT = TableSpec(
    name="catalog.schema.current",
    topic="current",
    mode=WriteMode.CDC,
    keys=("equipment_id",),
    sequence=("event_timestamp",),
    columns=(
        Column(name="equipment_id", type="STRING", nullable=False),
        Column(name="event_timestamp", type="TIMESTAMP"),
        *(Column(name=f"attribute_{index}", type="STRING") for index in range(10)),
    ),
)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _record(offset: int, moment: datetime, row: dict[str, object]) -> Record:
    return Record(0, offset, int(moment.timestamp() * 1000), b"flow/00000", orjson.dumps(row))


def gold_records(moment: datetime, commit: int, offsets: Iterator[int], _count: int = 0) -> list[Record]:
    """An update of every window that is open."""
    window = moment.replace(second=0, microsecond=0)
    windows = [window - timedelta(minutes=1), window] if moment.second == 0 else [window]
    return [
        _record(
            next(offsets),
            moment,
            {
                "window_start": _stamp(start),
                "equipment_id": f"HT_{key:03d}",
                "sensor_name": "speed",
                "date": start.date().isoformat(),
                "reading_count": commit,
                "avg_value": 1.0,
            },
        )
        for start in windows
        for key in range(KEYS)
    ]


def silver_records(moment: datetime, _commit: int, offsets: Iterator[int], count: int = ROWS_PER_COMMIT) -> list[Record]:
    """New rows, `count` of them."""

    def row(offset: int) -> dict[str, object]:
        attributes = {f"attribute_{index}": f"text {index} {offset % 7}" for index in range(20)}
        return {
            "landing_id": f"00000-{offset:019d}",
            "event_timestamp": _stamp(moment),
            "equipment_id": f"HT_{offset % KEYS:03d}",
            "sensor_value": offset * 0.1,
            **attributes,
        }

    return [_record(offset, moment, row(offset)) for offset in itertools.islice(offsets, count)]


def current_records(moment: datetime, commit: int, offsets: Iterator[int], count: int = 20) -> list[Record]:
    """Newer rows of `count` keys."""

    def row(key: int) -> dict[str, object]:
        attributes = {f"attribute_{index}": f"text {index} {commit % 7}" for index in range(10)}
        return {"equipment_id": f"HT_{key:03d}", "event_timestamp": _stamp(moment), **attributes}

    return [_record(offset, moment, row(offset % KEYS)) for offset in itertools.islice(offsets, count)]


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def _play(spec: TableSpec, rows: Callable[[datetime, int, Iterator[int]], list[Record]], hours: int, per_minute: int) -> None:
    with tempfile.TemporaryDirectory() as lake:
        clock, offsets = Clock(), itertools.count()
        writer = TableWriter(spec, lake, [0], writer="measure", now=clock)
        # Minutes pass in seconds here: the log is to forget as fast.
        writer._log.table.alter.set_table_properties({"delta.logRetentionDuration": "interval 5 seconds"})
        writer._log.follow()
        for hour in range(hours):
            commits, upkeep, cpu = [], [], time.process_time()
            for commit in range(60 * per_minute):
                clock.time += timedelta(minutes=1) / per_minute
                records = rows(clock.time, hour * 60 * per_minute + commit, offsets)
                commits.append(_timed(lambda records=records: writer.write(records)))
                upkeep.append(_timed(writer.maintain))
            worked = [each for each in upkeep if each > 1]
            cpu = (time.process_time() - cpu) * 1000 / len(commits)
            files = data_files(writer._log.table, spec.window)
            log = len(list(Path(lake, *spec.name.split("."), "_delta_log").iterdir()))
            print(  # noqa: T201
                f"{spec.mode:6} hour {hour + 1}: commit p50 {statistics.median(commits):5.1f} ms,"
                f" p99 {statistics.quantiles(commits, n=100)[98]:6.1f} ms, CPU with upkeep {cpu:5.1f} ms;"
                f" {len(files):4} files, {log:5} in the log,"
                f" {sum(file.rows for file in files):8} rows; upkeep {len(worked)} times,"
                f" p50 {statistics.median(worked or [0]):6.1f} ms, at most {max(worked or [0]):6.1f} ms",
                flush=True,
            )


if __name__ == "__main__":
    hours, per_minute = (int(argument) for argument in [*sys.argv[1:], "6", "6"][:2])
    _play(GOLD, gold_records, hours, per_minute)
    _play(SILVER, silver_records, hours, per_minute)
    _play(CURRENT, current_records, hours, per_minute)
