"""What the names in queries read; plans only, no query is started."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pitlake.lake.names import TableName
from pitlake.lake.source import DeltaTableSource

STREAM = "spark.readStream.table('landing')"
UP = f"@dp.table\n@dp.expect_or_drop('even', 'offset % 2 = 0')\ndef up():\n    return {STREAM}.select('landing_id', 'offset')\n"


def _table(body, decorators="@dp.table"):
    return f"{decorators}\ndef t():\n    return {body}\n"


def _plan_text(frame):
    return frame._jdf.queryExecution().analyzed().toString()


def _static_options(frame):
    leaves = frame._jdf.queryExecution().analyzed().collectLeaves()
    [static] = [leaf for n in range(leaves.size()) if not (leaf := leaves.apply(n)).isStreaming()]
    return static.options().asCaseSensitiveMap()


@pytest.mark.parametrize("name", ["landing", "LIVE.landing", "site.landing", "`mine`.`site`.`landing`"])
def test_a_landing_topic_is_a_stream_by_any_of_its_names(flow_plan, name):
    assert flow_plan(_table(f"spark.readStream.table('{name}')")).spec.columns[-1].name == "landing_id"


def test_an_upstream_is_inlined(planned):
    records = planned(UP + _table("spark.readStream.table('up')")).flows[1].records
    assert "RateStream" in _plan_text(records)


@pytest.mark.parametrize("decorator", ["table", "temporary_view"])
@pytest.mark.parametrize(("expectation", "filters"), [("expect_or_drop", True), ("expect_or_fail", True), ("expect", False)])
def test_an_upstream_keeps_back_what_it_does_not_accept(planned, decorator, expectation, filters):
    upstream = UP.replace("dp.table", f"dp.{decorator}").replace("expect_or_drop", expectation)
    plan = _plan_text(planned(upstream + _table("spark.readStream.table('up')")).flows[-1].records)
    assert ("Filter" in plan) is filters


@pytest.mark.parametrize("decorator", ["table", "temporary_view"])
def test_what_must_not_be_stops_every_reader(planned, decorator):
    upstream = UP.replace("dp.table", f"dp.{decorator}").replace("expect_or_drop", "expect_or_fail")
    plan = _plan_text(planned(upstream + _table("spark.readStream.table('up')")).flows[-1].records)
    assert "raise_error" in plan


def test_flows_of_one_table_are_read_together(planned):
    flows = "".join(f"@dp.append_flow(target='up')\ndef {n}():\n    return {STREAM}.select('offset')\n" for n in ("f", "g"))
    update = planned("dp.create_streaming_table('up')\n" + flows + _table("spark.readStream.table('up')"))
    assert _plan_text(update.flows[-1].records).count("StreamingRelation") == 2


def test_a_view_of_a_table_is_read_as_a_table(flow_plan):
    view = "@dp.temporary_view\ndef places():\n    return spark.createDataFrame([(0, 'pit')], 'partition int, place string')\n"
    flow = flow_plan(view + _table(f"{STREAM}.join(spark.read.table('places'), 'partition').select('landing_id', 'place')"))
    assert [column.name for column in flow.spec.columns] == ["landing_id", "place"]


@pytest.mark.parametrize("name", ["machines", "LIVE.machines", "site.machines", "mine.site.machines"])
def test_a_table_of_the_lake_is_a_static_side(spark, tmp_path, flow_plan, name):
    spark.dataSource.register(DeltaTableSource)
    write_deltalake(
        str(tmp_path / "lake/mine/site/machines"), pa.table({"partition": pa.array([0], pa.int32()), "place": ["pit"]})
    )
    body = f"{STREAM}.join(spark.read.table('{name}'), 'partition').select('landing_id', 'place')"
    assert flow_plan(_table(body)).spec.columns[1].type == "STRING"


def test_an_unknown_stream_is_refused_with_the_nearest_one(refused):
    error = refused("@dp.table\ndef t():\n    return spark.readStream.table('site.landings')  # here\n")
    assert "there is no stream named site.landings" in error.what
    assert error.do == "Did you mean landing?"


def test_an_unknown_stream_near_to_none_is_answered_with_all(refused):
    error = refused("@dp.table\ndef t():\n    return spark.readStream.table('zzz')  # here\n")
    assert error.do == "The known streams are landing, t."


def test_a_stream_of_another_schema_is_unknown(refused):
    assert (
        "no stream named other.landing"
        in refused("@dp.table\ndef t():\n    return spark.readStream.table('other.landing')  # here\n").what
    )


def test_an_unknown_table_is_refused_with_the_nearest_one(refused):
    error = refused("@dp.table\ndef t():\n    return spark.read.table('machine')  # here\n")
    assert "there is no table named machine" in error.what
    assert error.do == "Did you mean machines?"


@pytest.mark.parametrize("name", ["a.b", "a.b.c.d", "my table"])
def test_what_cannot_be_a_tables_name_is_refused(refused, name):
    assert name in refused(f"@dp.table\ndef t():\n    return spark.read.table('{name}')  # here\n").what


def test_an_own_table_is_planned_as_it_is_declared_before_it_exists(planned, spark):
    spark.dataSource.register(DeltaTableSource)
    own = "@dp.table(schema='partition INT, level DOUBLE')\ndef own():\n"
    own += "    return spark.range(1).selectExpr('0 as partition', '1d as level')\n"
    update = planned(own + _table(f"{STREAM}.join(spark.read.table('own'), 'partition').select('landing_id', 'level')"))
    assert update.flows[1].spec.columns[1].type == "DOUBLE"
    assert update.awaited == {TableName("mine", "site", "own"): ("partition", "level")}


def test_an_own_table_that_declares_nothing_is_planned_as_its_query_is(planned, spark):
    spark.dataSource.register(DeltaTableSource)
    update = planned(UP + "@dp.table\ndef t():\n    return spark.read.table('up').groupBy().agg(F.max('offset').alias('m'))\n")
    assert update.flows[1].spec.columns[0].type == "BIGINT"
    assert update.awaited == {TableName("mine", "site", "up"): ("landing_id", "offset")}


def test_an_own_table_of_a_cdc_flow_must_declare_its_columns(refused):
    error = refused(
        f"""\
@dp.temporary_view
def changes():
    return {STREAM}
dp.create_streaming_table("latest")
dp.create_auto_cdc_flow("latest", "changes", ["partition"], "offset")
@dp.table
def t():
    return spark.read.table("latest")  # here
"""
    )
    assert "latest is kept by a CDC flow and declares no columns" in error.what
    assert "schema=" in error.do


def test_other_tables_are_not_awaited(planned, spark, tmp_path):
    spark.dataSource.register(DeltaTableSource)
    write_deltalake(str(tmp_path / "lake/mine/site/machines"), pa.table({"v": [1]}))
    assert planned("@dp.table\ndef t():\n    return spark.read.table('machines')\n").awaited == {}


def test_stored_tables_that_read_each_other_are_refused(refused, spark):
    spark.dataSource.register(DeltaTableSource)
    error = refused(
        """\
@dp.materialized_view(schema="v BIGINT")  # here
def a():
    return spark.read.table("b")
@dp.materialized_view(schema="v BIGINT")
def b():
    return spark.read.table("a")
"""
    )
    assert "in a circle: a → b → a" in error.what


def test_a_materialized_view_is_no_stream(refused):
    view = "@dp.materialized_view\ndef v():\n    return spark.range(1)\n"
    error = refused(view + "@dp.table\ndef t():\n    return spark.readStream.table('v')  # here\n")
    assert ("v is no stream" in error.what, error.do) == (True, "Read it with spark.read.table.")


def test_a_landing_topic_is_no_table(refused):
    assert (
        "there is no table named landing" in refused("@dp.table\ndef t():\n    return spark.read.table('landing')  # here\n").what
    )


def test_datasets_that_read_each_other_are_refused(refused):
    error = refused(
        """\
@dp.table
def a():
    return spark.readStream.table("b")
@dp.table
def b():
    return spark.readStream.table("a")  # here
"""
    )
    assert "in a circle: a → b → a" in error.what
    assert "Break the circle" in error.do


def test_a_dataset_that_reads_itself_is_refused(refused):
    assert "t → t" in refused("@dp.table\ndef t():\n    return spark.readStream.table('t')  # here\n").what


def test_a_table_of_a_cdc_flow_is_no_stream(refused):
    error = refused(
        f"""\
@dp.temporary_view
def changes():
    return {STREAM}
dp.create_streaming_table("latest")
dp.create_auto_cdc_flow("latest", "changes", ["partition"], "offset")
@dp.table
def t():
    return spark.readStream.table("latest")  # here
"""
    )
    assert "latest is kept by a CDC flow" in error.what
    assert error.do == "Read what the flow reads, changes, with spark.readStream.table."


def test_a_view_of_a_table_is_no_stream(refused):
    view = "@dp.temporary_view\ndef v():\n    return spark.range(1)\n"
    error = refused(view + "@dp.table\ndef t():\n    return spark.readStream.table('v')  # here\n")
    assert ("v is no stream" in error.what, error.do) == (True, "Read it with spark.read.table.")


def test_a_view_of_a_stream_is_no_table(refused):
    view = f"@dp.temporary_view\ndef v():\n    return {STREAM}\n"
    error = refused(view + "@dp.table\ndef t():\n    return spark.read.table('v')  # here\n")
    assert ("v is a stream" in error.what, error.do) == (True, "Read it with spark.readStream.table.")


def test_an_expectation_of_a_view_on_an_unknown_column_is_refused_at_the_view(refused):
    view = f"@dp.temporary_view  # here\n@dp.expect('a', 'nothing > 0')\ndef v():\n    return {STREAM}\n"
    assert "the expectation a of v cannot be evaluated" in refused(view + _table("spark.readStream.table('v')")).what


def test_a_query_that_spark_refuses_is_refused_at_its_line(refused):
    error = refused(f"@dp.table\ndef t():\n    rows = {STREAM}\n    return rows.select('nothing')  # here\n")
    assert "the query of t fails: AnalysisException: [UNRESOLVED_COLUMN" in error.what


def test_a_query_that_raises_is_refused_at_its_line(refused):
    assert "the query of t fails: KeyError: 'x'" in refused("@dp.table\ndef t():\n    return {}['x']  # here\n").what


def test_a_query_that_raises_in_an_upstream_is_refused_there(refused):
    upstream = "@dp.temporary_view\ndef v():\n    return 1 / 0  # here\n"
    assert "the query of v fails: ZeroDivisionError" in refused(upstream + _table("spark.readStream.table('v')")).what


def test_a_query_that_raises_in_a_module_is_refused_at_the_call(tmp_path, refused):
    (tmp_path / "broken.py").write_text("def rows():\n    raise ValueError('no rows')\n")
    error = refused("import broken\n@dp.table\ndef t():\n    return broken.rows()  # here\n")
    assert "ValueError: no rows" in error.what


def test_a_query_function_takes_no_arguments(refused):
    assert "TypeError" in refused("@dp.table  # here\ndef t(rows):\n    return rows\n").what


@pytest.mark.parametrize(("body", "given"), [("None", "None"), ("'landing'", "'landing'")])
def test_a_query_that_returns_no_dataframe_is_refused(refused, body, given):
    error = refused(f"@dp.table  # here\ndef t():\n    return {body}\n")
    assert f"the query of t returns {given}" in error.what
    assert error.do == "Return a DataFrame from the function."


def test_a_materialized_view_prunes_what_it_reads_and_a_stream_does_not(spark, planned, tmp_path):
    spark.dataSource.register(DeltaTableSource)
    write_deltalake(
        str(tmp_path / "lake/mine/site/machines"), pa.table({"partition": pa.array([0], pa.int32()), "place": ["pit"]})
    )
    view = "@dp.table\ndef v():\n    return spark.read.table('machines')\n"
    update = planned(view + _table(f"{STREAM}.join(spark.read.table('machines'), 'partition').select('landing_id')"))
    assert [_static_options(flow.records).get("pruning") for flow in update.flows] == ["true", None]


def test_a_table_that_a_stream_reads_by_a_view_is_a_side_of_it_whoever_read_the_view_before(spark, planned, tmp_path):
    spark.dataSource.register(DeltaTableSource)
    write_deltalake(
        str(tmp_path / "lake/mine/site/machines"), pa.table({"partition": pa.array([0], pa.int32()), "place": ["pit"]})
    )
    view = "@dp.temporary_view\ndef places():\n    return spark.read.table('machines')\n"
    first = "@dp.table\ndef copied():\n    return spark.read.table('places')\n"
    joined = "@dp.temporary_view\ndef joined():\n"
    joined += f"    return spark.read.table('places').join({STREAM}, 'partition').select('landing_id', 'place')\n"
    update = planned(view + first + joined + _table("spark.readStream.table('joined')"))
    assert {table.name for table in update.sides} == {"machines"}


def test_an_upstream_of_several_tables_is_defined_once(planned):
    body = "calls = []\n@dp.temporary_view\ndef up():\n    calls.append(1)\n"
    body += f"    return {STREAM}.selectExpr('landing_id', f'{{len(calls)}} AS call')\n"
    for name in "ab":
        body += f"@dp.table\ndef {name}():\n    return spark.readStream.table('up')\n"
    assert all("1 AS call" in _plan_text(flow.records) for flow in planned(body).flows)


def test_two_reads_of_an_upstream_in_one_query_can_be_joined(planned):
    joined = "left.join(right, left.landing_id == right.landing_id).select(left.landing_id)"
    body = "@dp.temporary_view\ndef up():\n    return " + STREAM + "\n"
    body += "@dp.table\ndef t():\n    left, right = spark.readStream.table('up'), spark.readStream.table('up')\n"
    [flow] = planned(body + f"    return {joined}\n").flows
    condition = re.search(r"landing_id#(\d+) = landing_id#(\d+)", _plan_text(flow.records))
    assert condition.group(1) != condition.group(2)


COUNTED = ".groupBy('offset').agg(F.count('*').alias('n'))"


def _cdc_flow(planned, *, of="spark.readStream.table('up')"):
    other = UP.replace("up", "other")
    view = f"@dp.temporary_view\ndef changes():\n    return {of}\n"
    flow = "dp.create_streaming_table('t')\ndp.create_auto_cdc_flow('t', 'changes', ['offset'], 'offset')\n"
    return planned(UP + other + view + flow).flows[-1]


@pytest.mark.parametrize(("query", "follows"), [("", True), (COUNTED, False)])
def test_a_cdc_flow_follows_a_table_s_topic_unless_it_aggregates(planned, query, follows):
    plan = _plan_text(_cdc_flow(planned, of=f"spark.readStream.table('up'){query}").records)
    assert ("subscribe=mine.site.up" in plan) is follows


@pytest.mark.parametrize(
    ("of", "checkpoint"),
    [
        ("spark.readStream.table('landing')", "t"),
        (f"spark.readStream.table('up'){COUNTED}", "t"),
        ("spark.readStream.table('up')", "t@up"),
        ("spark.readStream.table('other')", "t@other"),
        ("spark.readStream.table('up').union(spark.readStream.table('other'))", "t@other+up"),
    ],
)
def test_a_checkpoint_is_named_after_the_tables_that_its_flow_follows(planned, of, checkpoint):
    assert _cdc_flow(planned, of=of).checkpoint == f"mine.site.t/{checkpoint}"


def test_flows_that_follow_one_view_of_a_table_are_both_known_to(planned):
    view = "@dp.temporary_view\ndef changes():\n    return spark.readStream.table('up')\n"
    flows = "".join(
        f"dp.create_streaming_table('{name}')\ndp.create_auto_cdc_flow('{name}', 'changes', ['offset'], 'offset')\n"
        for name in ("s", "t")
    )
    assert [flow.follows for flow in planned(UP + view + flows).flows] == [(), ("up",), ("up",)]
