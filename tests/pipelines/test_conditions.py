"""Conditions are checked for their syntax when they are defined."""

from __future__ import annotations

import pytest

from pitlake.errors import DefinitionError
from pitlake.pipelines.conditions import check_condition
from pitlake.pipelines.definitions import Location

HERE = Location("p.py", 7)


@pytest.mark.parametrize(
    "condition",
    [
        "a > 0",
        "(a) AND (b)",
        "a IS NULL OR a BETWEEN -1 AND 1",
        "CASE WHEN a THEN b ELSE c END",
        "a RLIKE '^x' AND b <=> c",
        "payload:machine.id = 'x'",
        "exists(tags, t -> t > 0)",
        "a > 0 -- why",
        "at < TIMESTAMP '2026-01-01' + INTERVAL 1 DAY",
        "a <> 'it''s; (not) the end'",
        "true",
    ],
)
def test_an_expression_of_spark_sql_is_a_condition(condition):
    check_condition(condition, "x", HERE)


@pytest.mark.parametrize(
    "condition", ["", "a >", "a > 0)", "a; b", "a, b", "*", "a AS b", "1) AS a, (2", "a > 0) FROM t WHERE (b"]
)
def test_what_is_not_one_expression_is_refused(condition):
    with pytest.raises(DefinitionError, match="is no SQL condition"):
        check_condition(condition, "x", HERE)


@pytest.mark.parametrize("condition", ["SELECT 1", "a IN (SELECT b FROM t)", "EXISTS (SELECT 1 FROM t)"])
def test_a_condition_that_reads_a_table_is_refused(condition):
    with pytest.raises(DefinitionError, match="it reads another table"):
        check_condition(condition, "x", HERE)


def test_the_error_names_the_bearer_the_place_and_the_condition():
    with pytest.raises(DefinitionError) as caught:
        check_condition("a >", "the expectation e", HERE)
    assert caught.value.what.startswith("p.py:7: the expectation e is no SQL condition: 'a >' (")
    assert "boolean SQL expression" in caught.value.do
