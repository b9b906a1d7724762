"""JSON values as values of a declared type."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from pitlake.lake.writer.values import parse_row, value_of

TEXTS = pa.map_(pa.string(), pa.string())


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("2026-02-15", pa.string(), "2026-02-15"),
        (7, pa.int32(), 7),
        (7, pa.float64(), 7.0),
        (Decimal("42.30"), pa.float64(), 42.3),
        ("-Infinity", pa.float64(), -math.inf),
        (Decimal("1.5"), pa.decimal128(5, 2), Decimal("1.50")),
        (True, pa.bool_(), True),
        ("2026-02-15T04:12:09.113000Z", pa.timestamp("us", "UTC"), datetime(2026, 2, 15, 4, 12, 9, 113000, tzinfo=UTC)),
        ("2026-02-15T12:12:09+08:00", pa.timestamp("us", "UTC"), datetime(2026, 2, 15, 4, 12, 9, tzinfo=UTC)),
        ("2026-02-15T04:12:09", pa.timestamp("us"), datetime(2026, 2, 15, 4, 12, 9)),  # noqa: DTZ001 - a type without a zone
        ("2026-02-15", pa.date32(), date(2026, 2, 15)),
        ("AP8=", pa.binary(), b"\x00\xff"),
        ([1, None], pa.list_(pa.int64()), [1, None]),
        ([{"key": "a", "value": None}], TEXTS, [("a", None)]),
        ({"a": 1, "unknown": 2}, pa.struct([("a", pa.int64()), ("b", pa.string())]), {"a": 1, "b": None}),
        (None, pa.int8(), None),
    ],
)
def test_a_value_that_fits_is_taken(value, kind, expected):
    assert value_of(value, kind) == expected


def test_nan_travels_as_text():
    assert math.isnan(value_of("NaN", pa.float32()))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (5, pa.string()),
        ("5", pa.int32()),
        (True, pa.int32()),
        (2**31, pa.int32()),
        (Decimal("1.0"), pa.int64()),
        ("x", pa.float64()),
        (True, pa.float64()),
        (Decimal("12345.6"), pa.decimal128(4, 1)),
        (1, pa.bool_()),
        ("+10000-01-01T00:00:00Z", pa.timestamp("us", "UTC")),
        (0, pa.timestamp("us", "UTC")),
        ("", pa.date32()),
        ("é", pa.binary()),
        ({}, pa.list_(pa.int64())),
        (["x"], pa.list_(pa.int64())),
        ({"a": "b"}, TEXTS),
        ([{"value": "b"}], TEXTS),
        ([], pa.struct([("a", pa.int64())])),
        ({}, pa.struct([pa.field("a", pa.int64(), nullable=False)])),
        ("x", pa.duration("s")),
    ],
)
def test_a_value_that_does_not_fit_is_refused(value, kind):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is for people
        value_of(value, kind)


def test_the_refusal_shows_no_more_than_the_beginning_of_a_long_value():
    with pytest.raises(ValueError, match=r"^'x{56}… is no int32$"):
        value_of("x" * 10_000, pa.int32())


@pytest.mark.parametrize("text", [b"", b"null", b"[1]", b"{", b'{"a": "\xff"}'])
def test_a_record_that_is_no_json_object_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is for people
        parse_row(text)
