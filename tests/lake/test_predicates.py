"""SQL fragments for delta-rs."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from pitlake.lake.predicates import join_condition, literal, not_older, quoted


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (7, "7"),
        ("it's", "'it''s'"),
        (date(2026, 1, 2), "'2026-01-02'"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "'2026-01-02T03:04:05.000006+00:00'"),
    ],
)
def test_a_literal_is_spelled_for_sql(value, sql):
    assert literal(value) == sql


def test_an_identifier_keeps_its_case_and_its_backticks():
    assert quoted("Window `start`") == "`Window ``start```"


def test_keys_are_joined_within_the_range_of_the_batch():
    rows = pa.table({"window": [5, 3, 9], "machine": ["b", "a", "c"]})
    assert join_condition(rows, ("window", "machine")) == (
        "s.`window` = t.`window` AND s.`machine` = t.`machine`"
        " AND t.`window` >= 3 AND t.`window` <= 9 AND t.`machine` >= 'a' AND t.`machine` <= 'c'"
    )


def test_a_key_with_null_equals_null_and_has_no_range():
    rows = pa.table({"machine": ["a", None]})
    assert join_condition(rows, ("machine",)) == "(s.`machine` = t.`machine` OR (s.`machine` IS NULL AND t.`machine` IS NULL))"


def test_a_sequence_compares_as_a_tuple():
    assert not_older(("a", "b")) == "(s.`a` > t.`a` OR (s.`a` = t.`a` AND (s.`b` >= t.`b`)))"
