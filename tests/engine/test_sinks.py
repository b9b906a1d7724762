"""Flows into sinks: planned or refused, and run on a real broker."""

from __future__ import annotations

import pytest

from pitlake.engine.planning import SinkPlan
from pitlake.lake.spec import WriteMode

STREAM = "spark.readStream.table('landing')"
KAFKA = "dp.create_sink('alarms', 'kafka', {'topic': 'alarms'})\n"
DELTA = "dp.create_sink('archive', 'delta', {'tableName': 'other.place.archive'})\n"
VALUES = f"{STREAM}.select(F.to_json(F.struct('landing_id')).alias('value'))"
COUNTS = f"""\
    minute = F.window("timestamp", "1 minute").alias("w")
    counts = {STREAM}.withWatermark("timestamp", "30 seconds").groupBy(minute).agg(F.count("*").alias("n"))
    return counts.select(F.to_json(F.struct("*")).alias("value"))
"""


def _flow(body, *, kind="update", target="alarms", arguments=""):
    return f"@dp.{kind}_flow(target='{target}'{arguments})  # here\ndef f():\n{body}\n"


def _returning(query, **keywords):
    return _flow(f"    return {query}", **keywords)


def test_a_flow_into_a_kafka_sink_is_a_query_of_its_own(planned):
    update = planned(KAFKA + _returning(VALUES))
    [plan] = update.sinks
    assert isinstance(plan, SinkPlan)
    assert (plan.name, plan.target, plan.table, plan.records.columns) == ("f", "alarms", None, ["value"])
    assert plan.checkpoint == "mine.site.alarms/f"
    assert (update.flows, update.specs, update.reads) == ((), (), {"alarms": frozenset({"landing"})})


def test_an_update_flow_may_aggregate(planned):
    assert planned(KAFKA + _flow(COUNTS)).sinks[0].updates


def test_an_append_flow_into_a_sink_may_not_aggregate(refused):
    assert refused(KAFKA + _flow(COUNTS, kind="append")).do == "Define it with @dp.update_flow."


def test_several_flows_may_write_one_sink(planned):
    other = _returning(VALUES, kind="append").replace("def f", "def g")
    assert [plan.name for plan in planned(KAFKA + _returning(VALUES) + other).sinks] == ["f", "g"]


def test_a_record_may_have_all_that_kafka_takes(planned):
    query = (
        f"{STREAM}.selectExpr('value', 'key', 'topic', 'partition', "
        "\"array(named_struct('key', 'a', 'value', value)) AS headers\")"
    )
    assert len(planned(KAFKA + _returning(query)).sinks[0].records.columns) == 5


@pytest.mark.parametrize(
    ("select", "what", "do"),
    [
        ("'key'", "f gives no value", "Put a row into a column `value`"),
        ("'value', F.col('key').alias('kye')", "gives kye, which is no column of a Kafka record", "Did you mean key?"),
        ("F.col('offset').alias('value')", "gives value as BIGINT, and a Kafka record has it as STRING or BINARY", "Cast it"),
    ],
)
def test_rows_that_are_no_records_are_refused(refused, select, what, do):
    error = refused(KAFKA + _returning(f"{STREAM}.select({select})"))
    assert what in error.what
    assert error.do.startswith(do)


def test_a_topic_is_named_by_the_sink_or_by_each_row(planned, refused):
    nameless = "dp.create_sink('alarms', 'kafka')"
    assert planned(f"{nameless}\n" + _returning(f"{STREAM}.select('value', 'topic')")).sinks
    error = refused(f"{nameless}  # here\n" + _returning(f"{STREAM}.select('value')").replace("  # here", ""))
    assert "neither alarms nor its flow f names a topic" in error.what


def test_a_sink_that_follows_no_stream_is_refused(refused):
    query = "spark.range(1).selectExpr(\"'a' AS value\")"
    assert "reads no stream" in refused(KAFKA + _returning(query)).what


def test_a_flow_that_asks_for_real_time_has_it_and_its_interval(planned):
    conf = {"pipelines.trigger": "RealTime", "pipelines.trigger.interval": "5 minutes"}
    plan = planned(KAFKA + _returning(VALUES, arguments=f", spark_conf={conf}")).sinks[0]
    assert (plan.is_real_time, plan.interval) == (True, "5 minutes")


def test_a_flow_runs_as_its_update_does_unless_it_says_otherwise(planned):
    plan = planned(KAFKA + _returning(VALUES)).sinks[0]
    assert (plan.is_real_time, plan.interval) == (False, "1 minute")


@pytest.mark.parametrize(
    ("conf", "what"),
    [
        ({"pipelines.trigger": "AvailableNow"}, "unknown pipelines.trigger 'AvailableNow'"),
        ({"pipelines.trigger.interval": "soon"}, "'soon' is no interval"),
        ({"pipelines.trigger.interval": "1 second"}, "too short a trigger interval"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(refused, conf, what):
    assert what in refused(KAFKA + _returning(VALUES, arguments=f", spark_conf={conf}")).what


def test_a_delta_sink_is_a_table_of_its_own_without_keys(planned):
    query = f"{STREAM}.select('landing_id', F.current_timestamp().alias('at'))"
    update = planned(DELTA + _returning(query, kind="append", target="archive"))
    [plan] = update.flows
    assert (plan.target, plan.table, plan.spec.topic) == ("archive", "other.place.archive", "other.place.archive")
    assert (plan.spec.mode, plan.spec.keys, plan.spec.location) == (WriteMode.APPEND, (), None)
    assert plan.spec.processed_at == ("at",)
    assert update.reads == {"archive": frozenset({"landing"})}


def test_a_delta_sink_may_lie_outside_of_the_lake(planned):
    sink = "dp.create_sink('archive', 'delta', {'path': '/elsewhere/archive'})\n"
    spec = planned(sink + _returning(f"{STREAM}.select('landing_id')", kind="append", target="archive")).flows[0].spec
    assert (spec.name, spec.path("/lake")) == ("mine.site.archive", "/elsewhere/archive")


def test_a_delta_sink_stores_no_aggregation(refused):
    query = f"{STREAM}.groupBy('topic').count()"
    assert "would store a row again" in refused(DELTA + _returning(query, kind="append", target="archive")).what


@pytest.mark.parametrize("table", ["t", "mine.site.t", "site.t_quarantine", "event_log"])
def test_a_delta_sink_leaves_the_pipelines_own_tables_alone(refused, table):
    own = f"@dp.table\n@dp.expect_or_drop('a', 'true')\ndef t():\n    return {STREAM}.select('landing_id')\n"
    sink = f"dp.create_sink('archive', 'delta', {{'tableName': '{table}'}})  # here\n"
    flow = f"@dp.append_flow(target='archive')\ndef f():\n    return {STREAM}.select('landing_id')\n"
    assert "the pipeline's own table" in refused(own + sink + flow).what


def test_two_delta_sinks_have_two_tables(refused):
    second = DELTA.replace("'archive'", "'second'", 1).replace("\n", "  # here\n")
    flows = "".join(
        f"@dp.append_flow(target='{sink}')\ndef into_{sink}():\n    return {STREAM}.select('landing_id')\n"
        for sink in ("archive", "second")
    )
    assert "which is the table of the sink archive" in refused(DELTA + second + flows).what


def test_a_delta_sinks_name_is_one(refused):
    sink = "dp.create_sink('archive', 'delta', {'tableName': 'a.b.c.d'})  # here\n"
    assert (
        "the sink archive names no table"
        in refused(f"{sink}@dp.append_flow(target='archive')\ndef f():\n    return {STREAM}.select('landing_id')\n").what
    )


def test_a_checkpoint_is_a_flows_own(planned):
    text = KAFKA + _returning(VALUES) + _returning(VALUES, arguments=", name='g'")
    assert len({plan.checkpoint for plan in planned(text).sinks}) == 2
