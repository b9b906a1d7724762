"""Expectations as Spark columns."""

from __future__ import annotations

import pytest
from pyspark.errors import PySparkException

from pitlake.engine.expectations import FAILED_EXPECTATIONS, as_upstream, is_dropped, with_failed_expectations
from pitlake.pipelines.definitions import Action, Expectation

POSITIVE = Expectation("positive", "v > 0", Action.WARN)
KNOWN = Expectation("known", "v IS NOT NULL", Action.DROP)
SMALL = Expectation("small", "v < 100", Action.FAIL)


@pytest.fixture(name="rows")
def _rows(spark):
    return spark.createDataFrame([(1,), (-1,), (None,)], "v int")


def _failed(rows, expectations):
    judged = with_failed_expectations(rows, expectations, "t").collect()
    return {row.v: row[FAILED_EXPECTATIONS] for row in judged}


def test_a_row_that_meets_everything_fails_nothing(rows):
    assert _failed(rows, [POSITIVE, KNOWN])[1] == []


def test_a_row_is_given_the_names_that_it_fails(rows):
    assert _failed(rows, [POSITIVE])[-1] == ["positive"]


def test_a_condition_that_is_null_is_not_met(rows):
    assert _failed(rows, [POSITIVE, KNOWN])[None] == ["positive", "known"]


def test_only_a_dropping_expectation_drops(rows):
    judged = with_failed_expectations(rows, [POSITIVE, KNOWN], "t")
    assert [row.v for row in judged.where(is_dropped([POSITIVE, KNOWN])).collect()] == [None]


def test_downstream_sees_the_rows_that_are_kept(rows):
    assert [row.v for row in as_upstream(rows, [POSITIVE, KNOWN], "t").collect()] == [1, -1]


def test_a_failing_expectation_ends_the_query_and_names_table_expectation_and_row(spark):
    rows = spark.createDataFrame([(500,)], "v int")
    with pytest.raises(PySparkException, match=r't: small is not met by the row \{"v":500\}'):
        with_failed_expectations(rows, [SMALL], "t").collect()


def test_a_view_ends_the_query_at_a_row_that_it_must_not_accept(spark):
    rows = spark.createDataFrame([(500,)], "v int")
    with pytest.raises(PySparkException, match=r'w: small is not met by the row \{"v":500\}'):
        as_upstream(rows, [SMALL], "w").select("v").collect()


def test_a_view_leaves_out_what_it_drops_and_keeps_what_it_warns_of(rows):
    assert [row.v for row in as_upstream(rows, [POSITIVE, KNOWN], "w").collect()] == [1, -1]


def test_without_expectations_nothing_fails(rows):
    assert set(map(tuple, _failed(rows, []).values())) == {()}
