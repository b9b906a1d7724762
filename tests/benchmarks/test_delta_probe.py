from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake

from benchmarks.delta_probe import sightings
from benchmarks.windows import Row

LATE, PRESENT = timedelta(minutes=5), timedelta(0)
"""How long ago the windows of the table began."""


def ago(row: Row) -> timedelta:
    """How long before the present minute a row's window began, to the minute."""
    return timedelta(minutes=round((datetime.now(UTC).timestamp() - row[0] / 1e6) // 60))


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A table of the result with a row of this minute, and one that comes five minutes after its own."""
    path = str(tmp_path / "table")
    now = datetime.now(UTC).replace(microsecond=0)
    for start, count in ((now - LATE, 3), (now - PRESENT, 1)):
        columns = {
            "window_start": [start],
            "equipment_id": ["CR_002"],
            "sensor_name": ["Vibration_MM_S"],
            "reading_count": [count],
        }
        rows = pa.table(columns).cast(
            pa.schema(
                [
                    ("window_start", pa.timestamp("us", "UTC")),
                    ("equipment_id", pa.string()),
                    ("sensor_name", pa.string()),
                    ("reading_count", pa.int64()),
                ]
            )
        )
        write_deltalake(path, rows, mode="append")
    return path


@pytest.mark.parametrize(
    ("minutes", "seen"),
    [(10, {LATE: 3, PRESENT: 1}), (3, {PRESENT: 1})],
    ids=["within the span", "beyond the span"],
)
def test_a_row_that_comes_later_than_three_minutes_is_seen_within_the_span_only(
    table: str, minutes: float, seen: dict[timedelta, int]
) -> None:
    over = chain([False], repeat(object=True))
    found = sightings(table, timedelta(minutes=minutes), lambda: next(over))
    assert {ago(sighting.row): sighting.count for sighting in found} == seen


def test_a_commit_that_comes_while_the_probe_watches_is_seen(table: str) -> None:
    deadline = time.monotonic() + 20
    found = sightings(table, timedelta(minutes=3), lambda: time.monotonic() > deadline)
    assert next(found).count == 1
    newest = DeltaTable(table).to_pyarrow_table().filter(pc.field("reading_count") == 1)
    write_deltalake(table, newest.set_column(3, "reading_count", pa.array([2])), mode="append")
    assert next(found).count == 2


def test_a_probe_of_a_table_that_never_comes_ends_when_it_is_told_to(tmp_path: Path) -> None:
    over = chain([False], repeat(object=True))
    assert list(sightings(str(tmp_path / "absent"), timedelta(minutes=3), lambda: next(over))) == []
