"""Arrow's pass over many rows, held against the values one by one."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.writer.arrow_json import can_read, read_rows
from pitlake.lake.writer.values import value_of

TIME = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("whole", pa.int32()),
        ("number", pa.float64()),
        ("truth", pa.bool_()),
        ("time", TIME),
        ("day", pa.date32()),
        ("tags", pa.map_(pa.string(), pa.string())),
        ("days", pa.list_(pa.date32())),
        ("inner", pa.struct([("at", TIME), ("tags", pa.map_(pa.string(), pa.date32()))])),
    ]
)

_text = st.text(st.characters(codec="utf-8")) | st.just("2026-02-15T04:12:09.113000Z")
_time = st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='microseconds')}Z")
_day = st.dates().map(str)


def _map(values):
    return st.lists(st.fixed_dictionaries({"key": _text}, optional={"value": values}), max_size=3)


_row = st.fixed_dictionaries(
    {},
    optional={
        "text": _text | st.none(),
        "whole": st.integers(-(2**31), 2**31 - 1),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "truth": st.booleans(),
        "time": _time,
        "day": _day,
        "tags": _map(_text) | st.none(),
        "days": st.lists(_day | st.none(), max_size=3),
        "inner": st.fixed_dictionaries({}, optional={"at": _time, "tags": _map(_day)}),
        "unknown": st.integers(),
    },
)


@given(st.lists(_row, min_size=1, max_size=8))
def test_all_rows_at_once_are_the_rows_one_by_one(rows):
    together = read_rows([json.dumps(row).encode() for row in rows], SCHEMA)
    singly = pa.table(
        [pa.array([value_of(row.get(field.name), field.type) for row in rows], field.type) for field in SCHEMA], schema=SCHEMA
    )
    together.validate(full=True)
    assert together.to_pylist() == singly.to_pylist()


@pytest.mark.parametrize(
    "values",
    [
        [b'{"whole": 1}', b'{"whole": 1.5}'],
        [b'{"text": 5}'],
        [b'{"time": "+10000-01-01T00:00:00Z"}'],
        [b'{"day": "yesterday"}'],
        [b'{"text": "\xff"}'],
        [b'{"text": "a"}{"text": "b"}'],
        [b"", b'{"text": "a"}'],
        [b"[1]"],
        [b'{"text": "a"'],
        [b'{"tags": [{"value": "without a key"}]}'],
    ],
)
def test_a_row_that_does_not_fit_is_an_error(values):
    with pytest.raises(ValueError):  # noqa: PT011 - the reader's own
        read_rows(values, SCHEMA)


def test_rows_of_ten_megabytes_are_read():
    text = "x" * 10_000_000
    assert read_rows([json.dumps({"text": text}).encode()] * 2, SCHEMA).column("text").to_pylist() == [text, text]


@pytest.mark.parametrize(
    "kind",
    [
        pa.binary(),
        pa.decimal128(10, 2),
        pa.list_(pa.binary()),
        pa.map_(pa.string(), pa.decimal128(10, 2)),
        pa.struct([("a", pa.binary())]),
        pa.struct([pa.field("a", pa.int64(), nullable=False)]),
    ],
)
def test_types_that_it_would_not_keep_exact_are_not_for_it(kind):
    assert not can_read(pa.schema([("column", kind)]))


def test_the_other_types_are_for_it():
    assert can_read(SCHEMA)
