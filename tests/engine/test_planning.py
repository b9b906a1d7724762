"""Pipelines become plans, or are refused at the line that is wrong; no query is started."""

from __future__ import annotations

import pytest

from pitlake.engine.planning import plan_update, replica_of
from pitlake.lake.spec import Column, WriteMode
from pitlake.pipelines.loading import load
from tests.support.definitions import write_file

STREAM = "spark.readStream.table('landing')"
APPEND = f"@dp.table\ndef t():\n    return {STREAM}.select('landing_id', 'offset', 'timestamp')\n"
KEYED = f"""\
@dp.table(schema="landing_id STRING, offset BIGINT COMMENT 'o', PRIMARY KEY (landing_id)", comment="c")
@dp.expect("some", "offset > 1")
def t():
    return {STREAM}.select("landing_id", "offset")
"""
COUNTED = f"""\
def counted(rows, *keys):
    minute = F.window("timestamp", "1 minute").alias("w")
    return rows.withWatermark("timestamp", "30 seconds").groupBy(minute, *keys).agg(F.count("*").alias("n"))

def landing():
    return {STREAM}.withColumn("lane", F.col("offset") % 3)
"""
UPSERT = (
    COUNTED
    + """\
@dp.table
def t():
    return counted(landing(), "lane").select(F.col("w.start").alias("window_start"), "lane", "n")
"""
)
TWICE = "table_properties={'pitlake.replicas': '2'}"
CDC = f"""\
@dp.temporary_view
def changes():
    return {STREAM}.selectExpr("partition as id", "offset as at", "landing_id", "offset % 2 = 0 as gone")
dp.create_streaming_table("t")
"""


def _types(flow):
    return {column.name: column.type for column in flow.spec.columns}


def _table(arguments="", select="'landing_id', 'offset'"):
    return f"@dp.table({arguments})  # here\ndef t():\n    return {STREAM}.select({select})\n"


def _counting(result, prelude=""):
    return f"{COUNTED}{prelude}@dp.table  # here\ndef t():\n    return {result}\n"


# The spec of a table, per way into it


def test_a_projection_is_appended(flow_plan):
    spec = flow_plan(APPEND).spec
    assert (spec.mode, spec.name, spec.topic) == (WriteMode.APPEND, "mine.site.t", "mine.site.t")
    assert (spec.keys, spec.count, spec.sequence, spec.window) == ((), None, (), None)


def test_an_append_table_has_its_declared_key(flow_plan):
    assert flow_plan(KEYED).spec.keys == ("landing_id",)


def test_an_aggregation_is_upserted_by_what_it_groups_by(flow_plan):
    spec = flow_plan(UPSERT).spec
    assert (spec.mode, spec.keys) == (WriteMode.UPSERT, ("window_start", "lane"))
    assert (spec.count, spec.window) == ("n", "window_start")


def test_an_aggregation_is_upserted_by_expressions_too(flow_plan):
    query = "counted(landing(), F.upper('topic').alias('name')).select('w.start', 'name', 'n')"
    assert flow_plan(_counting(query)).spec.keys == ("start", "name")


def test_a_declared_key_may_name_the_groups_in_another_order(flow_plan):
    schema = 'schema="n BIGINT, start TIMESTAMP, lane BIGINT, PRIMARY KEY (lane, start)"'
    query = "counted(landing(), 'lane').select('w.start', 'lane', 'n')"
    assert flow_plan(_counting(query).replace("@dp.table", f"@dp.table({schema})")).spec.keys == ("start", "lane")


def test_a_cdc_flow_is_applied_by_keys_and_sequence(flow_plan):
    spec = flow_plan(CDC + "dp.create_auto_cdc_flow('t', 'changes', ['id'], F.struct('at', 'landing_id'))").spec
    assert (spec.mode, spec.keys, spec.sequence) == (WriteMode.CDC, ("id",), ("at", "landing_id"))


def test_a_cdc_flow_of_an_aggregation_needs_no_count(flow_plan):
    prelude = (
        "@dp.temporary_view\ndef v():\n    return counted(landing(), 'lane').selectExpr('lane', 'w.start as at', 'n + 1 as m')\n"
    )
    spec = flow_plan(f"{COUNTED}{prelude}dp.create_streaming_table('t')\ndp.create_auto_cdc_flow('t', 'v', ['lane'], 'at')").spec
    assert (spec.mode, spec.keys, spec.count, spec.window) == (WriteMode.CDC, ("lane",), None, None)


@pytest.mark.parametrize("argument", ["column_list=['id', 'at']", "except_column_list=['landing_id', 'gone']"])
def test_a_cdc_table_has_the_columns_that_are_listed(flow_plan, argument):
    assert list(_types(flow_plan(CDC + f"dp.create_auto_cdc_flow('t', 'changes', ['id'], 'at', {argument})"))) == ["id", "at"]


@pytest.mark.parametrize("deletes", ["'gone'", "F.expr('gone')", "F.col('gone') == F.lit(True)"])
def test_deletes_of_a_cdc_flow_may_look_at_columns_that_are_not_stored(flow_plan, deletes):
    arguments = f"'t', 'changes', ['id'], 'at', except_column_list=['gone'], apply_as_deletes={deletes}"
    assert "gone" not in _types(flow_plan(CDC + f"dp.create_auto_cdc_flow({arguments})"))


@pytest.mark.parametrize("decorator", ["table", "materialized_view"])
def test_a_batch_query_is_a_materialized_view(flow_plan, decorator):
    flow = flow_plan(f"@dp.{decorator}\ndef t():\n    return spark.range(3).groupBy().agg(F.max('id').alias('m'))\n")
    assert (flow.spec.mode, flow.spec.keys, flow.refreshes) == (WriteMode.REFRESH, (), True)
    assert (_types(flow), flow.interval) == ({"m": "BIGINT"}, "1 minute")


def test_a_materialized_views_key_is_what_it_declares(flow_plan):
    flow = flow_plan("@dp.table(schema='id BIGINT, PRIMARY KEY (id)')\ndef t():\n    return spark.range(3)\n")
    assert (flow.spec.keys, flow.spec.columns[0].nullable) == (("id",), False)


def test_what_a_materialized_view_drops_is_replaced_as_a_whole_too(planned):
    update = planned("@dp.materialized_view\n@dp.expect_or_drop('some', 'id > 0')\ndef t():\n    return spark.range(3)\n")
    assert [spec.mode for spec in update.specs] == [WriteMode.REFRESH] * 2


def test_a_flow_does_not_refresh(flow_plan):
    assert not flow_plan(APPEND).refreshes


# Its columns


def test_declared_columns_have_their_types_comments_and_nullability(flow_plan):
    assert flow_plan(KEYED).spec.columns == (
        Column(name="landing_id", type="STRING", nullable=False),
        Column(name="offset", type="BIGINT", comment="o"),
    )


def test_undeclared_columns_are_those_of_the_query(flow_plan):
    assert _types(flow_plan(APPEND)) == {"landing_id": "STRING", "offset": "BIGINT", "timestamp": "TIMESTAMP"}


def test_undeclared_fields_of_a_struct_keep_their_case(flow_plan):
    assert _types(flow_plan(_table(select="F.struct(F.col('offset').alias('aB')).alias('s')"))) == {"s": "STRUCT<`aB`: BIGINT>"}


def test_columns_may_be_declared_as_a_struct_type(flow_plan):
    declared = "StructType.fromDDL('landing_id STRING NOT NULL, s STRUCT<aB: BIGINT>')"
    select = "'landing_id', F.struct(F.col('offset').alias('aB')).alias('s')"
    flow = flow_plan("from pyspark.sql.types import StructType\n" + _table(f"schema={declared}", select))
    assert _types(flow) == {"landing_id": "STRING", "s": "STRUCT<`aB`: BIGINT>"}


def test_what_is_grouped_by_may_be_null_and_an_appended_key_may_not(flow_plan):
    assert {c.name: c.nullable for c in flow_plan(UPSERT).spec.columns} == {"window_start": True, "lane": True, "n": True}
    assert {c.name: c.nullable for c in flow_plan(KEYED).spec.columns} == {"landing_id": False, "offset": True}


def test_a_column_that_is_the_current_time_is_the_writers(flow_plan):
    flow = flow_plan(_table(select="'landing_id', F.current_timestamp().alias('processed_at')"))
    assert flow.spec.processed_at == ("processed_at",)
    assert "processed_at" in _types(flow)


# Its properties and expectations


def test_properties_name_the_columns_of_the_tables_times(flow_plan):
    properties = {"pitlake.eventTime": "timestamp", "pitlake.ingestionTime": "timestamp", "quality": "bronze"}
    spec = flow_plan(_table(f"table_properties={properties}", "'landing_id', 'timestamp'")).spec
    assert (spec.event_time, spec.ingestion_time) == ("timestamp", "timestamp")


def test_rows_may_be_retained_for_some_days(flow_plan):
    properties = {"pitlake.retention": "90 days", "pitlake.retentionColumn": "timestamp"}
    spec = flow_plan(_table(f"table_properties={properties}", "'timestamp'")).spec
    assert (spec.retention_days, spec.retention_column) == (90, "timestamp")


def test_a_tables_commit_interval_is_a_quarter_of_a_second(flow_plan):
    assert flow_plan(APPEND).spec.commit_interval_ms == 250


def test_a_tables_commit_interval_may_be_set(flow_plan):
    assert flow_plan(_table("table_properties={'pitlake.commitInterval': '1 second'}")).spec.commit_interval_ms == 1000


def test_dates_that_are_clustered_by_are_partitions(flow_plan):
    spec = flow_plan(_table("cluster_by=['day', 'offset']", "'offset', F.to_date('timestamp').alias('day')")).spec
    assert (spec.partition_by, spec.cluster_by) == (("day",), ("offset",))


def test_partition_columns_are_partitions(flow_plan):
    assert flow_plan(_table("partition_cols=['offset']")).spec.partition_by == ("offset",)


def test_an_aggregation_may_be_computed_by_two_queries(flow_plan):
    replicated = UPSERT.replace("@dp.table", f"@dp.table({TWICE})")
    assert (flow_plan(UPSERT).is_replicated, flow_plan(replicated).is_replicated) == (False, True)


REFUSING = KEYED.replace("dp.expect(", "dp.expect_or_drop(").replace("@dp.table(", f"@dp.table({TWICE}, ")
REFUSING_COUNTS = UPSERT.replace("@dp.table", f"@dp.table({TWICE})\n@dp.expect_or_drop('some', 'n > 1')")


@pytest.mark.parametrize(("pipeline", "sends_refused"), [(REFUSING, True), (REFUSING_COUNTS, False)])
def test_the_second_query_sends_refused_rows_where_their_quarantine_has_keys(flow_plan, pipeline, sends_refused):
    plan = flow_plan(pipeline)
    replica = replica_of(plan)
    kept = "Filter (topic#"
    assert (plan.is_replicated, plan.quarantines, replica.name) == (True, True, "t~2")
    assert kept not in str(plan.records._jdf.queryExecution().analyzed())
    assert (kept not in str(replica.records._jdf.queryExecution().analyzed())) == sends_refused


def test_a_table_has_its_comment_and_the_names_of_its_expectations(flow_plan):
    spec = flow_plan(KEYED).spec
    assert (spec.comment, spec.expectations) == ("c", ("some",))


def test_a_table_that_drops_has_a_quarantine(planned):
    update = planned(KEYED.replace("dp.expect(", "dp.expect_or_drop("))
    table, quarantine = update.specs
    assert (quarantine.name, quarantine.topic) == ("mine.site.t_quarantine",) * 2
    assert update.flows[0].topics == ("mine.site.t", "mine.site.t_quarantine")
    assert quarantine.keys == table.keys


def test_a_quarantine_has_the_tables_columns_and_why_and_when(planned):
    quarantine = planned(KEYED.replace("dp.expect(", "dp.expect_or_drop(")).specs[1]
    assert [(column.name, column.type, column.nullable) for column in quarantine.columns] == [
        ("landing_id", "STRING", False),
        ("offset", "BIGINT", True),
        ("failed_expectations", "ARRAY<STRING>", True),
        ("quarantined_at", "TIMESTAMP", True),
    ]
    assert quarantine.processed_at == ("quarantined_at",)
    assert quarantine.expectations == ("some",)


def test_a_quarantine_is_retained_as_long_as_its_table(planned):
    properties = {"pitlake.retention": "90 days", "pitlake.retentionColumn": "timestamp"}
    text = _table(f"table_properties={properties}", "'timestamp'").replace("def t", "@dp.expect_or_drop('a', 'true')\ndef t")
    quarantine = planned(text).specs[1]
    assert (quarantine.retention_days, quarantine.retention_column) == (90, "quarantined_at")


def test_a_table_that_only_warns_has_no_quarantine(planned):
    update = planned(KEYED)
    assert [spec.name for spec in update.specs] == ["mine.site.t"]
    assert update.flows[0].topics == ("mine.site.t",)


def test_a_table_of_several_flows_has_one_spec(planned):
    flows = "".join(f"@dp.append_flow(target='t')\ndef {n}():\n    return {STREAM}.select('offset')\n" for n in ("f", "g"))
    update = planned("dp.create_streaming_table('t')\n" + flows)
    assert ([flow.name for flow in update.flows], len(update.specs)) == (["f", "g"], 1)


def test_a_view_is_no_flow(planned):
    assert [flow.name for flow in planned(CDC + "dp.create_auto_cdc_flow('t', 'changes', ['id'], 'at')").flows] == ["t"]


def test_records_are_what_the_sink_takes(flow_plan):
    assert flow_plan(UPSERT).records.columns == ["topic", "key", "value", "headers"]


# The trigger interval


def test_a_flow_checkpoints_every_minute(flow_plan):
    assert flow_plan(APPEND).interval == "1 minute"


@pytest.mark.parametrize("where", ["table_properties", "spark_conf"])
@pytest.mark.parametrize("name", ["pipelines.trigger.interval", "pipelines.trigger.checkpoint"])
def test_the_interval_is_set_by_a_property_or_the_conf(flow_plan, where, name):
    assert flow_plan(_table(f"{where}={{'{name}': '30 seconds'}}")).interval == "30 seconds"


def test_a_flows_own_conf_wins(flow_plan):
    table = "dp.create_streaming_table('t', spark_conf={'pipelines.trigger.interval': '2 minutes'})\n"
    flow = (
        f"@dp.append_flow(target='t', spark_conf={{'pipelines.trigger.interval': '10 seconds'}})\ndef f():\n    return {STREAM}"
    )
    assert flow_plan(table + flow).interval == "10 seconds"


@pytest.mark.parametrize("interval", ["soon", "1", "minute", "-1 minute", "1.5 minutes", ""])
def test_what_is_no_interval_is_refused(refused, interval):
    error = refused(_table(f"table_properties={{'pipelines.trigger.interval': '{interval}'}}"))
    assert f"t: {interval!r} is no interval" in error.what
    assert "30 seconds" in error.do


def test_an_interval_that_real_time_mode_refuses_is_refused(refused):
    assert "too short" in refused(_table("spark_conf={'pipelines.trigger.interval': '1 second'}")).what


# What is refused


def test_an_expectation_on_an_unknown_column_is_refused_with_the_columns(refused):
    error = refused("@dp.table  # here\n@dp.expect('a', 'nothing > 0')\n" + _table().split("\n", 1)[1])
    assert "the expectation a of t cannot be evaluated: [UNRESOLVED_COLUMN" in error.what
    assert error.do == "Its condition is 'nothing > 0'; the columns are landing_id, offset."


def test_an_expectation_is_of_one_row(refused):
    assert (
        "the expectation a of t"
        in refused("@dp.table  # here\n@dp.expect('a', 'sum(offset) > 0')\n" + _table().split("\n", 1)[1]).what
    )


def test_a_declared_column_that_the_query_lacks_is_refused(refused):
    assert "the query of t lacks gone" in refused(_table("schema='landing_id STRING, offset BIGINT, gone INT'")).what


def test_a_column_that_is_not_declared_is_refused(refused):
    error = refused(_table("schema='landing_id STRING'"))
    assert "the query of t gives offset undeclared" in error.what
    assert error.do == "Make schema= and the query agree."


def test_a_declared_type_that_the_query_does_not_give_is_refused(refused):
    error = refused(_table("schema='landing_id STRING, offset INT'"))
    assert "t.offset is declared INT and the query gives BIGINT" in error.what
    assert "declare BIGINT" in error.do


def test_a_type_that_delta_cannot_hold_is_refused(refused):
    assert "t.v is VARIANT, which a Delta table cannot hold" in refused(_table("", "F.expr(\"parse_json('1') as v\")")).what


def test_a_declared_type_that_spark_does_not_know_is_refused(refused):
    assert (
        "t.offset is declared JSON, which is no type of Spark" in refused(_table("schema='landing_id STRING, offset JSON'")).what
    )


def test_ddl_that_cannot_be_read_is_refused(refused):
    assert "the schema cannot be read" in refused(_table("schema='landing_id'")).what


def test_a_flow_that_reads_no_stream_is_refused(refused):
    flow = "@dp.append_flow(target='t')  # here\ndef f():\n    return spark.range(1)\n"
    error = refused("dp.create_streaming_table('t')\n" + flow)
    assert "t reads no stream" in error.what
    assert "spark.readStream.table" in error.do


def test_a_materialized_view_of_a_stream_is_refused(refused):
    error = refused(f"@dp.materialized_view  # here\ndef t():\n    return {STREAM}\n")
    assert "t is a materialized view and reads a stream" in error.what


def test_an_aggregation_of_an_aggregation_is_refused(refused):
    query = "counted(landing(), 'lane').groupBy('lane').agg(F.count('*').alias('m'))"
    assert "t aggregates what is already aggregated" in refused(_counting(query)).what


def test_an_aggregation_of_an_aggregated_upstream_is_refused(refused):
    upstream = "@dp.table\ndef up():\n    return counted(landing(), 'lane').select('w.start', 'lane', 'n')\n"
    query = "spark.readStream.table('up').groupBy('lane').agg(F.count('*').alias('m'))"
    error = refused(_counting(query, upstream))
    assert "t aggregates what is already aggregated" in error.what
    assert "upstream's own source" in error.do


def test_an_aggregation_of_all_rows_into_one_is_refused(refused):
    assert "t aggregates all rows into one" in refused(_counting("landing().agg(F.count('*').alias('n'))")).what


def test_a_group_key_of_a_joined_table_is_refused(refused):
    joined = "landing().join(spark.createDataFrame([(1, 'pit')], 'lane long, place string'), 'lane')"
    error = refused(_counting(f"counted({joined}, 'place').select('w.start', 'place', 'n')"))
    assert "t groups by place, which comes from a table that is not a stream" in error.what
    assert "join the table after the aggregation" in error.do


def test_a_group_expression_over_a_joined_table_is_refused(refused):
    joined = "landing().join(spark.createDataFrame([(1, 'pit')], 'lane long, place string'), 'lane')"
    query = f"counted({joined}, F.upper('place').alias('p')).select('w.start', 'p', 'n')"
    assert "t groups by p, which comes from a table" in refused(_counting(query)).what


def test_a_cdc_key_of_a_joined_table_is_refused(refused):
    machines = "spark.createDataFrame([(0, 'pit')], 'partition int, place string')"
    view = f"@dp.temporary_view\ndef v():\n    return {STREAM}.join({machines}, 'partition').select('place', 'offset')\n"
    call = "dp.create_streaming_table('t')\ndp.create_auto_cdc_flow('t', 'v', ['place'], 'offset')  # here"
    assert "the key place of t comes from a table" in refused(view + call).what


@pytest.mark.parametrize(("select", "lost"), [("'w.start', 'n'", "lane"), ("'w.end', 'lane', 'n'", "window")])
def test_a_group_key_that_is_not_selected_is_refused(refused, select, lost):
    error = refused(_counting(f"counted(landing(), 'lane').select({select})"))
    assert f"t groups by {lost}, which is no column of its result" in error.what
    assert f"Select {lost}" in error.do


def test_an_aggregation_without_a_row_count_is_refused(refused):
    error = refused(_counting("landing().groupBy('lane').agg(F.count('key').alias('n'))"))
    assert "t aggregates and has no count(*)" in error.what
    assert "F.count('*')" in error.do


def test_a_declared_key_that_is_not_what_is_grouped_by_is_refused(refused):
    schema = 'schema="n BIGINT, start TIMESTAMP, lane BIGINT, PRIMARY KEY (lane)"'
    text = _counting("counted(landing(), 'lane').select('w.start', 'lane', 'n')").replace("@dp.table", f"@dp.table({schema})")
    assert "t declares the primary key (lane) and its query's keys are (start, lane)" in refused(text).what


def test_an_appended_rows_key_begins_with_its_landing(refused):
    error = refused(_table('schema="landing_id STRING, offset BIGINT, PRIMARY KEY (offset, landing_id)"'))
    assert "the primary key of t begins with offset" in error.what
    assert "begin the key with it" in error.do


@pytest.mark.parametrize(("keys", "sequence", "missing"), [("['no']", "'at'", "no"), ("['id']", "'nothing'", "nothing")])
def test_a_cdc_key_or_sequence_that_is_no_column_is_refused(refused, keys, sequence, missing):
    error = refused(CDC + f"dp.create_auto_cdc_flow('t', 'changes', {keys}, {sequence})  # here")
    assert f"t: {missing} is a key or a sequence of t and no column of it" in error.what
    assert "Columns of changes: id, at, landing_id, gone" in error.do


def test_a_cdc_key_that_is_not_stored_is_refused(refused):
    error = refused(CDC + "dp.create_auto_cdc_flow('t', 'changes', ['id'], 'at', except_column_list=['id'])  # here")
    assert "must be stored in the table" in error.do


def test_a_cdc_flow_from_an_unknown_source_is_refused(refused):
    error = refused(CDC + "dp.create_auto_cdc_flow('t', 'change', ['id'], 'at')  # here")
    assert "there is no stream named change" in error.what
    assert error.do == "Did you mean changes?"


@pytest.mark.parametrize("argument", ["column_list=['id', 'at', 'nothing']", "apply_as_deletes='nothing'"])
def test_a_cdc_flow_over_unknown_columns_is_refused(refused, argument):
    error = refused(CDC + f"dp.create_auto_cdc_flow('t', 'changes', ['id'], 'at', {argument})  # here")
    assert "the query of t cannot be analyzed: [UNRESOLVED_COLUMN" in error.what


def test_flows_that_make_different_tables_of_one_are_refused(refused):
    error = refused(
        f"""\
dp.create_streaming_table("t")
@dp.append_flow(target="t")
def f():
    return {STREAM}.select("offset")
@dp.append_flow(target="t")  # here
def g():
    return {STREAM}.select("landing_id")
"""
    )
    assert "g and f write mine.site.t and differ in its columns" in error.what


@pytest.mark.parametrize("argument", ["cluster_by", "partition_cols"])
def test_a_layout_by_an_unknown_column_is_refused_with_the_nearest_one(refused, argument):
    error = refused(_table(f"{argument}=['ofset']"))
    assert f"{argument} of t names ofset, which is no column of it" in error.what
    assert error.do == "Did you mean offset?"


@pytest.mark.parametrize("name", ["pitlake.eventTime", "pitlake.ingestionTime"])
def test_a_property_that_names_no_column_is_refused(refused, name):
    assert f"{name} of t names at, which is no column of it" in refused(_table(f"table_properties={{'{name}': 'at'}}")).what


def test_a_table_has_the_properties_of_delta_that_its_writer_keeps_to(planned):
    properties = {"delta.autoOptimize.autoCompact": "true", "delta.enableChangeDataFeed": "true"}
    update = planned(_table(f"table_properties={properties}"))
    assert update.specs[0].properties == {"delta.autoOptimize.autoCompact": "true"}
    assert update.left_out == {"t": ("delta.enableChangeDataFeed",)}


def test_an_unknown_property_of_pitlake_is_refused_with_the_nearest_one(refused):
    assert refused(_table("table_properties={'pitlake.eventime': 'x'}")).do == "Did you mean pitlake.eventTime?"


@pytest.mark.parametrize(
    ("retention", "what"),
    [("long", "is no interval"), ("12 hours", "is not whole days"), ("9 days", "no pitlake.retentionColumn")],
)
def test_a_retention_that_cannot_be_kept_is_refused(refused, retention, what):
    assert what in refused(_table(f"table_properties={{'pitlake.retention': '{retention}'}}")).what


def test_a_bad_commit_interval_is_refused(refused):
    assert "'often' is no interval" in refused(_table("table_properties={'pitlake.commitInterval': 'often'}")).what


@pytest.mark.parametrize("count", ["0", "9", "two"])
def test_what_is_no_number_of_replicas_is_refused(refused, count):
    error = refused(_table(f"table_properties={{'pitlake.replicas': '{count}'}}"))
    assert (f"'{count}' is no number of replicas" in error.what, error.do) == (True, "Use 1 or 2.")


VIEW = f"@dp.materialized_view({TWICE})  # here\ndef t():\n    return spark.range(1)\n"
CHANGED = CDC.replace('"t")', f"'t', {TWICE})  # here")


@pytest.mark.parametrize(
    "pipeline",
    [
        _table(TWICE),
        CHANGED + "dp.create_auto_cdc_flow('t', 'changes', ['id'], 'at')",
        VIEW,
    ],
)
def test_what_two_queries_cannot_compute_is_refused(refused, pipeline):
    error = refused(pipeline)
    assert ("cannot be computed by two queries" in error.what, "PRIMARY KEY" in error.do) == (True, True)


@pytest.mark.parametrize("name", ["other.site.t", "other.t"])
def test_a_table_of_another_place_is_refused(refused, name):
    assert f"{name} lies outside of mine.site" in refused(_table(f"name='{name}'")).what


def test_the_name_of_a_quarantine_is_taken(refused):
    quarantine = f"@dp.table  # here\ndef t_quarantine():\n    return {STREAM}"
    assert "rows that t refuses" in refused(KEYED.replace("dp.expect(", "dp.expect_or_drop(") + quarantine).what


def test_the_name_of_the_event_log_is_taken(refused):
    assert "the pipeline's events" in refused(_table("name='event_log'")).what


# Who reads whom


def test_reads_are_recorded_by_reader(planned):
    text = (
        CDC
        + "dp.create_auto_cdc_flow('t', 'changes', ['id'], 'at')\n@dp.table\ndef u():\n    return spark.readStream.table('v')\n"
    )
    view = "@dp.temporary_view\ndef v():\n    return spark.readStream.table('LIVE.landing')\n"
    assert planned(text + view).reads == {
        "t": frozenset({"changes"}),
        "changes": frozenset({"landing"}),
        "u": frozenset({"v"}),
        "v": frozenset({"landing"}),
    }


def test_a_keyed_table_of_two_streams_in_one_query_is_refused(refused):
    union = f"{STREAM}.select('landing_id', 'offset').union({STREAM}.select('landing_id', 'offset'))"
    schema = "landing_id STRING NOT NULL, offset BIGINT, PRIMARY KEY (landing_id)"
    error = refused(f"@dp.table(schema={schema!r})  # here\ndef t():\n    return {union}\n")
    assert "reads 2 streams in one query" in error.what


def test_two_aggregations_into_one_table_are_refused(refused):
    flows = "".join(
        f"@dp.append_flow(target='t'){mark}\ndef {name}():\n    return {STREAM}.groupBy('offset').agg(F.count('*').alias('n'))\n"
        for name, mark in (("f", ""), ("g", "  # here"))
    )
    error = refused("dp.create_streaming_table('t')\n" + flows)
    assert "each would replace the other's rows" in error.what


def test_a_map_within_a_struct_is_refused(refused):
    select = "F.struct(F.create_map(F.lit('a'), F.lit('b')).alias('m')).alias('s')"
    error = refused(_table(select=select))
    assert "cannot travel" in error.what


TWO = """\
@dp.table
def other():
    return spark.readStream.table("landing").select("landing_id")
"""


def _planned_first(tmp_path, reader_of, text, first):
    """The names of the flows in the plan, and what was planned when the one named `first` was."""
    pipeline = load([write_file(tmp_path, text)])
    reader, told = reader_of(pipeline), []
    update = plan_update(
        pipeline,
        reader,
        catalog="mine",
        schema="site",
        epoch=7,
        first=first,
        on_first=lambda plan: told.append((plan.name, sorted(reader.reads))),
    )
    return [plan.name for plan in update.plans], told


def test_a_flow_can_be_planned_before_the_others_whose_order_stays(tmp_path, reader_of):
    names, told = _planned_first(tmp_path, reader_of, TWO + UPSERT, "t")
    assert (names, told) == (["other", "t"], [("t", ["t"])])


def test_no_flow_is_told_of_that_is_not_there(tmp_path, reader_of):
    assert _planned_first(tmp_path, reader_of, TWO, "gone") == (["other"], [])
