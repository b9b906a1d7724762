"""Facts are read off plans of real DataFrames; no query is started."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from pitlake.engine.plans import PlanFacts


@pytest.fixture(name="readings")
def _readings(spark):
    stream = spark.readStream.format("rate").load()
    return stream.selectExpr("timestamp as at", "cast(value % 5 as string) as machine", "value as reading")


@pytest.fixture(name="machines")
def _machines(spark):
    return spark.createDataFrame([("1", "Pit 1")], "machine string, location string")


def _per_minute(readings, *keys):
    windowed = readings.withWatermark("at", "30 seconds").groupBy(F.window("at", "1 minute").alias("w"), *keys)
    return windowed.agg(F.count("*").alias("n"), F.avg("reading").alias("mean"))


def _keys(facts):
    return [facts.key_column(grouping) for grouping in facts.groupings]


def test_a_batch_frame_is_not_streaming(machines):
    assert PlanFacts(machines).streams == 0


def test_a_projection_groups_by_nothing(readings):
    assert PlanFacts(readings).groupings == ()


def test_a_windows_key_is_its_start(readings):
    facts = PlanFacts(
        _per_minute(readings, "machine").select(F.col("w.end").alias("e"), F.col("w.start").alias("s"), "machine", "n")
    )
    assert facts.window_column() == "s"
    assert _keys(facts) == ["s", "machine"]


def test_a_renamed_key_is_followed_to_its_new_name(readings):
    rows = _per_minute(readings, "machine").select(F.col("w.start").alias("s"), F.col("machine").alias("equipment"), "n")
    assert _keys(PlanFacts(rows)) == ["s", "equipment"]


def test_a_key_that_is_not_selected_has_no_column(readings):
    assert _keys(PlanFacts(_per_minute(readings, "machine").select(F.col("w.start").alias("s"), "n"))) == ["s", None]


def test_a_windows_end_is_no_key(readings):
    assert _keys(PlanFacts(_per_minute(readings).select("w.end", "n"))) == [None]


def test_a_key_may_be_an_expression_under_a_name(readings):
    assert _keys(PlanFacts(_per_minute(readings, F.upper("machine").alias("m")).select("w.start", "m", "n"))) == ["start", "m"]


def test_an_expression_that_is_not_selected_has_no_column(readings):
    facts = PlanFacts(_per_minute(readings, F.upper("machine").alias("m")).select("w.start", "n"))
    assert _keys(facts) == ["start", None]


@pytest.mark.parametrize("selected", [True, False])
def test_fields_of_a_struct_are_keys_of_their_own(readings, selected):
    nested = readings.select("at", "reading", F.struct("machine", F.lit("north").alias("site")).alias("where"))
    fields = nested.select("at", "reading", "where.site", "where.machine") if selected else nested
    keys = ("site", "machine") if selected else ("where.site", "where.machine")
    assert _keys(PlanFacts(_per_minute(fields, *keys).select("w.start", "machine", "site", "n"))) == ["start", "site", "machine"]


def test_a_struct_that_is_grouped_by_is_no_window(readings):
    rows = readings.groupBy(F.struct("machine").alias("where")).agg(F.count("*").alias("n")).select("where.machine", "n")
    assert PlanFacts(rows).window_column() is None


def test_a_key_of_the_stream_is_not_static_after_a_join(readings, machines):
    joined = readings.join(F.broadcast(machines), "machine", "left")
    assert [g.static for g in PlanFacts(_per_minute(joined, "machine")).groupings] == [False, False]


def test_a_key_of_a_joined_table_is_static(readings, machines):
    joined = readings.join(F.broadcast(machines), "machine", "left")
    assert [g.static for g in PlanFacts(_per_minute(joined, "location")).groupings] == [False, True]


def test_a_key_computed_from_a_joined_table_is_static(readings, machines):
    joined = readings.join(F.broadcast(machines), "machine", "left").withColumn(
        "place", F.coalesce(F.upper("location"), F.col("machine"))
    )
    assert [g.static for g in PlanFacts(_per_minute(joined, "place")).groupings] == [False, True]


def test_count_of_all_rows_is_the_row_count(readings):
    assert PlanFacts(_per_minute(readings, "machine")).row_count == "n"


def test_count_of_a_column_is_no_row_count(readings):
    assert PlanFacts(readings.groupBy("machine").agg(F.count("reading").alias("n"))).row_count is None


def test_a_count_of_some_rows_is_no_row_count(readings):
    assert PlanFacts(readings.groupBy("machine").agg(F.expr("count(*) FILTER (WHERE reading > 0) AS n"))).row_count is None


def test_current_timestamp_is_processing_time(readings):
    assert PlanFacts(readings.withColumn("processed_at", F.current_timestamp())).processing_time == ("processed_at",)


def test_an_expression_of_current_timestamp_is_not_processing_time(readings):
    assert PlanFacts(readings.withColumn("day", F.to_date(F.current_timestamp()))).processing_time == ()


def test_columns_of_a_joined_table_are_static_columns(readings, machines):
    facts = PlanFacts(readings.join(F.broadcast(machines), "machine", "left"))
    assert facts.static_among(["machine", "location", "reading"]) == ["location"]


def test_an_aggregation_of_a_joined_table_is_none_of_the_streams(readings, machines):
    counted = machines.groupBy("machine").agg(F.count("*").alias("machines"))
    facts = PlanFacts(readings.join(F.broadcast(counted), "machine"))
    assert (facts.aggregations, facts.groupings) == (0, ())


def test_an_aggregation_of_an_aggregation_is_counted(readings):
    assert PlanFacts(_per_minute(readings, "machine").groupBy("machine").count()).aggregations == 2


def test_a_common_tables_columns_are_followed_into_it(readings, machines, spark):
    joined = readings.join(F.broadcast(machines), "machine")
    _per_minute(joined, "location").select(F.col("w.start").alias("s"), "location", "n").createOrReplaceTempView("counted")
    facts = PlanFacts(spark.sql("WITH t AS (SELECT *, current_timestamp() AS at FROM counted) SELECT s, location, n, at FROM t"))
    assert _keys(facts) == ["s", "location"]
    assert (facts.row_count, facts.processing_time) == ("n", ("at",))
    assert facts.static_among(["s", "location", "n", "at"]) == ["location"]


def test_a_columns_name_may_look_like_another_ones_id(readings):
    rows = readings.select(F.col("reading").alias("a#1L"), F.current_timestamp().alias("b#2"), F.col("at").alias("c\x01#3"))
    facts = PlanFacts(rows)
    assert facts.processing_time == ("b#2",)
    assert facts.static_among(rows.columns) == []
