from __future__ import annotations

from types import SimpleNamespace

import pytest

from pitlake.mining.databricks import refusals

CONDITIONS = {"positive": "value > 0", "named": "name IS NOT NULL"}


@pytest.fixture
def rows(spark):
    return spark.createDataFrame([(1, "a"), (-1, "b"), (None, "c"), (-1, None)], "value INT, name STRING")


def test_rows_that_meet_all_conditions_are_kept(rows):
    assert [row.name for row in refusals.kept(rows, CONDITIONS).collect()] == ["a"]


def test_the_others_are_refused_with_what_they_failed_and_null_is_failing(rows):
    found = refusals.refused(rows, CONDITIONS).collect()
    assert [(row.name, row.failed_expectations) for row in found] == [
        ("b", ["positive"]),
        ("c", ["positive"]),
        (None, ["positive", "named"]),
    ]


def test_without_conditions_nothing_is_refused(rows):
    assert (refusals.kept(rows, {}).count(), refusals.refused(rows, {}).count()) == (4, 0)


def test_a_missing_setting_is_an_error(spark):
    with pytest.raises(Exception, match=r"mining\.refuses\.unknown"):
        refusals.conditions(spark, "unknown")


def test_the_conditions_are_read_from_the_setting():
    given = SimpleNamespace(conf=SimpleNamespace(get={"mining.refuses.t": '{"a": "b > 0"}'}.__getitem__))
    assert refusals.conditions(given, "t") == {"a": "b > 0"}
