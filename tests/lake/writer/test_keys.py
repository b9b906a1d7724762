"""Columns as tuples that compare."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa

from pitlake.lake.writer.keys import tuples


def test_times_become_microseconds_and_dates_days():
    rows = pa.table(
        {
            "time": pa.array([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "day": pa.array([date(1970, 1, 3)]),
            "text": ["a"],
        }
    )
    assert list(tuples(rows, ("text", "time", "day"))) == [("a", 1_000_000, 2)]


def test_null_is_none():
    assert list(tuples(pa.table({"a": [1, None]}), ("a",))) == [(1,), (None,)]
