"""The statistics of a file, as Delta's log holds them."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime

import pyarrow as pa

from pitlake.lake.statistics import statistics


def _of(**columns):
    return json.loads(statistics(pa.table(columns), columns))


def test_numbers_texts_and_dates_have_extremes():
    found = _of(a=[3, 1, None], b=["y", "x", "z"], d=[date(2026, 1, 2)] * 3)
    assert found["numRecords"] == 3
    assert found["minValues"] == {"a": 1, "b": "x", "d": "2026-01-02"}
    assert found["maxValues"] == {"a": 3, "b": "z", "d": "2026-01-02"}
    assert found["nullCount"] == {"a": 1, "b": 0, "d": 0}


def test_a_timestamp_keeps_its_microseconds_in_utc():
    found = _of(t=pa.array([datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)], pa.timestamp("us", "UTC")))
    assert found["maxValues"]["t"] == "2026-01-02T03:04:05.678901Z"


def test_a_column_with_nan_has_no_extremes():
    found = _of(v=[1.0, math.nan])
    assert "v" not in found["minValues"]


def test_long_texts_have_no_extremes():
    assert _of(raw=["x" * 1000])["maxValues"] == {}


def test_a_column_of_nulls_has_a_null_count_only():
    found = _of(a=pa.array([None, None], pa.int64()))
    assert (found["minValues"], found["nullCount"]) == ({}, {"a": 2})


def test_only_the_named_columns_count():
    assert json.loads(statistics(pa.table({"a": [1], "b": [2]}), ["b"]))["minValues"] == {"b": 2}
