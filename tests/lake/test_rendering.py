"""Answers as text: nothing lost in JSON, nothing unreadable in a table."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.rendering import format_result

AT = datetime(2026, 2, 15, 4, 12, 9, 113000, tzinfo=UTC)
ONE = pa.table({"id": ["CR_002"], "value": [42.5], "at": pa.array([AT], pa.timestamp("us", "UTC"))})

rows = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | st.text(),
            "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "whole": st.integers(-(2**63), 2**63 - 1),
            "at": st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
            "tags": st.dictionaries(st.text(), st.text()),
            "list": st.lists(st.booleans()),
        }
    )
)
SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("number", pa.float64()),
        ("whole", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("tags", pa.map_(pa.string(), pa.string())),
        ("list", pa.list_(pa.bool_())),
    ]
)


def as_table(values):
    return pa.Table.from_pylist([{**row, "tags": list(row["tags"].items())} for row in values], schema=SCHEMA)


@given(rows)
def test_json_carries_every_value(values):
    read = orjson.loads(format_result(as_table(values), "json"))
    assert [{**row, "at": datetime.fromisoformat(row["at"])} for row in read] == values


@given(rows)
def test_csv_has_a_header_and_a_record_per_row(values):
    read = list(csv.DictReader(io.StringIO(format_result(as_table(values), "csv"), newline="")))
    assert [int(row["whole"]) for row in read] == [row["whole"] for row in values]
    assert [row["text"] for row in read] == [row["text"] or "" for row in values]


def test_timestamps_are_iso_8601_in_utc():
    assert orjson.loads(format_result(ONE, "json"))[0]["at"] == "2026-02-15T04:12:09.113000Z"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([Decimal("12.340")]), "12.340"),
        (pa.array([b"\x00\xff"]), '"AP8="'),
        (pa.array([date(2026, 2, 15)]), '"2026-02-15"'),
        (pa.array([float("nan")]), "null"),
        (pa.array([{"a": 1}]), '{"a":1}'),
        (pa.array([3], pa.duration("s")), "3.0"),
    ],
)
def test_json_of_each_type(column, text):
    assert format_result(pa.table({"x": column}), "json") == f'[{{"x":{text}}}]\n'


def test_csv_leaves_null_empty_and_writes_nested_values_as_json():
    answer = pa.table({"a": pa.array([None], pa.string()), "b": [["x"]]})
    assert format_result(answer, "csv") == 'a,b\r\n,"[""x""]"\r\n'


def test_a_table_shows_names_values_and_the_number_of_rows():
    text = format_result(ONE, "table")
    assert all(part in text for part in ("id", "CR_002", "42.5", "2026-02-15T04:12:09.113000Z", "1 row\n"))


def test_a_table_marks_null():
    assert "NULL" in format_result(pa.table({"a": pa.array([None], pa.string())}), "table")


def test_a_table_takes_values_literally():
    assert "[red]" in format_result(pa.table({"a": ["[red]"]}), "table")


def test_too_many_columns_are_shown_as_a_block_per_row():
    wide = pa.table({f"column_{number}": ["value"] for number in range(20)})
    text = format_result(wide, "table", width=80)
    assert "row 1" in text
    assert all(f"column_{number} " in text for number in range(20))


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_answer_without_rows_has_a_form(form):
    assert format_result(ONE.slice(0, 0), form).endswith("\n")
