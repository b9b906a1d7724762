"""Sinks and the flows into them: what a file may say, and what is refused at its line."""

from __future__ import annotations

import pytest

from pitlake.pipelines.definitions import SinkFormat

KAFKA = "dp.create_sink('alarms', 'kafka', {'topic': 'alarms'})\n"
FLOW = "@dp.update_flow(target='alarms')\ndef f(): ...\n"


def _sink(loaded, call, flow="@dp.append_flow(target='s')\ndef f(): ...\n"):
    return loaded(f"{call}\n{flow}").sinks["s"]


def test_a_kafka_sink_passes_the_producers_options_on(loaded):
    options = {"kafka.bootstrap.servers": "b:9092", "topic": "t", "kafka.acks": "all", "includeHeaders": "true"}
    sink = _sink(loaded, f"dp.create_sink(name='s', format='kafka', options={options})")
    assert (sink.format, sink.options) == (SinkFormat.KAFKA, options)


def test_options_are_text(loaded):
    assert _sink(loaded, "dp.create_sink('s', 'kafka', {'topic': 't', 'kafka.linger.ms': 5})").options["kafka.linger.ms"] == "5"


def test_a_kafka_sink_needs_no_options(loaded):
    assert _sink(loaded, "dp.create_sink('s', 'kafka')").options == {}


@pytest.mark.parametrize("option", [{"path": "/lake/t"}, {"path": "s3://b/t"}, {"tableName": "a.b.t"}])
def test_a_delta_sink_has_a_place(loaded, option):
    assert _sink(loaded, f"dp.create_sink('s', 'delta', {option})").options == option


def test_a_sink_stands_where_it_is_made(loaded):
    assert _sink(loaded, "\ndp.create_sink('s', 'kafka')").location.line == 4


def test_both_names_know_sinks(loaded):
    flow = "@dlt.update_flow(target='alarms', name='g')\ndef f(): ..."
    assert loaded(f"import dlt\ndlt.create_sink('alarms', 'kafka')\n{flow}").flows[0].name == "g"


def test_an_update_flow_has_its_functions_name_and_its_configuration(loaded):
    conf = {"pipelines.trigger": "RealTime", "pipelines.trigger.interval": "5 minutes"}
    [flow] = loaded(f"{KAFKA}@dp.update_flow(target='alarms', spark_conf={conf}, comment='c')\ndef f(): ...\n").flows
    assert (flow.name, flow.target, flow.updates, flow.comment) == ("f", "alarms", True, "c")
    assert flow.spark_conf == conf


def test_an_append_flow_updates_nothing(loaded):
    assert loaded(f"{KAFKA}@dp.append_flow(target='alarms')\ndef f(): ...\n").flows[0].updates is False


@pytest.mark.parametrize(
    ("call", "what", "do"),
    [
        ("'s', 'kafak'", "unknown format 'kafak'", "Did you mean kafka?"),
        ("'s', 'kafka', {'bootstrap.servers': 'b'}", "unknown option bootstrap.servers", "Did you mean kafka.bootstrap.servers?"),
        ("'s', 'kafka', {'checkpointLocation': '/c'}", "unknown option checkpointLocation", "The known options are"),
        ("'s', 'delta', {'tablename': 'a.b.t'}", "unknown option tablename", "Did you mean tableName?"),
        ("'s', 'delta'", "neither path nor tableName", "Give one of the two"),
        ("'s', 'delta', {'path': '/t', 'tableName': 't'}", "both path and tableName", "Give one of the two"),
        ("'s', 'delta', {'path': 'lake/t'}", "depends on where it is read", "Give a path from the root"),
        ("'s', 'kafka', option={}", "create_sink has no argument option", "Did you mean options?"),
        ("'s!', 'kafka'", "'s!' cannot be a name", "Name it with name="),
        ("'s', 'kafka'", "s has no flow that writes it", "Add one with target='s'."),
    ],
)
def test_a_sink_that_cannot_be_is_refused(refused, call, what, do):
    error = refused(f"dp.create_sink({call})  # here\n")
    assert what in error.what
    assert error.do.startswith(do)


def test_a_sink_and_a_table_share_no_name(refused):
    assert "alarms is defined twice" in refused(f"{KAFKA}@dp.table  # here\ndef alarms(): ...").what


def test_an_update_flow_into_a_table_is_refused(refused):
    error = refused("dp.create_streaming_table('t')\n@dp.update_flow(target='t')  # here\ndef f(): ...")
    assert "f has the target t, which is no sink" in error.what
    assert "@dp.append_flow" in error.do


def test_an_update_flow_into_a_delta_sink_is_refused(refused):
    error = refused("dp.create_sink('s', 'delta', {'tableName': 't'})\n@dp.update_flow(target='s')  # here\ndef f(): ...")
    assert "which only takes new rows" in error.what


@pytest.mark.parametrize(
    ("flow", "do"),
    [
        ("@dp.update_flow(target='alarm')", "Did you mean alarms? Define it with dp.create_sink."),
        ("@dp.append_flow(target='alarm')", "Did you mean alarms? Define it with dp.create_streaming_table or dp.create_sink."),
    ],
)
def test_an_unknown_target_is_answered_with_the_nearest_sink(refused, flow, do):
    assert refused(f"{KAFKA}{FLOW}{flow}  # here\ndef g(): ...").do == do


def test_a_cdc_flow_into_a_sink_is_refused(refused):
    call = "dp.create_auto_cdc_flow(target='alarms', source='v', keys=['a'], sequence_by='at')  # here"
    assert "which no CDC flow can write" in refused(f"{KAFKA}{call}").what


def test_expectations_of_a_flow_into_a_sink_are_refused(refused):
    error = refused(f"{KAFKA}@dp.update_flow(target='alarms')  # here\n@dp.expect('a', 'x > 0')\ndef f(): ...")
    assert "a sink, to the table or view that the flow reads" in error.do


@pytest.mark.parametrize(
    ("argument", "what"),
    [("depends_on='x'", "does not support depends_on"), ("once=True", "has no argument once")],
)
def test_an_update_flow_refuses_what_it_cannot_honour(refused, argument, what):
    assert what in refused(f"{KAFKA}@dp.update_flow(target='alarms', {argument})  # here\ndef f(): ...").what
