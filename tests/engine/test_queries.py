"""Flows as streaming queries, on a real broker: both modes on one checkpoint, and what Spark refuses."""

from __future__ import annotations

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import functions as F

from pitlake.engine.batches import committed_batches
from pitlake.engine.expectations import with_failed_expectations
from pitlake.engine.planning import FlowPlan, SinkPlan, replica_of
from pitlake.engine.queries import failure, has_begun, refusal, start_query
from pitlake.engine.records import as_records
from pitlake.errors import ExpectationViolationError, FlowError
from pitlake.pipelines.definitions import Location, Sink, SinkFormat
from pitlake.streams.envelope import is_of_replica
from tests.support.landing import counted
from tests.support.waiting import await_that
from tests.support.writing import append_spec, open_writer, stored, upsert_spec

PLAN = FlowPlan("f", upsert_spec(), None, "1 minute")


class Ended:
    """A query that ended by an error of that text, or was stopped."""

    def __init__(self, text=None):
        self.text = text

    def exception(self):
        return Exception(self.text) if self.text else None


@pytest.mark.parametrize("modes", [("micro-batch", "realtime", "micro-batch"), ("realtime", "micro-batch")])
def test_a_flow_counts_on_when_its_mode_is_changed(landing, modes):
    for mode in modes:
        landing.send(30)
        query = landing.start(counted(landing.stream()), mode)
        counts = dict.fromkeys("012", landing.sent // 3)
        await_that(lambda: landing.counts() == counts, f"all are counted once in {mode}")  # noqa: B023
        query.stop()


@pytest.mark.parametrize("mode", ["realtime", "micro-batch"])
def test_a_sink_gets_its_own_records_and_nothing_else(landing, mode):
    landing.send(30)
    counts = counted(landing.stream()).select(F.col("k").alias("key"), F.to_json(F.struct("k", "n")).alias("value"))
    options = {"kafka.bootstrap.servers": landing.bootstrap, "topic": landing.target}
    plan = SinkPlan("f", Sink("alarms", SinkFormat.KAFKA, options, Location("p.py", 1)), "c.s", counts, "5 seconds", updates=True)
    start_query(plan, mode, bootstrap="nowhere:9", checkpoints=str(landing.folder))
    await_that(lambda: landing.counts() == dict.fromkeys("012", 10), "the last row of each key is its count")
    assert [path.name for path in (landing.folder / "c.s.alarms").iterdir()] == ["f"]


def test_a_query_in_real_time_has_begun_while_its_first_batch_runs_though_nothing_lands(landing):
    query = landing.start(counted(landing.stream()), "realtime")
    assert not has_begun(query, landing.spark)
    await_that(lambda: has_begun(query, landing.spark), "its first batch runs")
    assert query.lastProgress is None


def test_what_real_time_mode_refuses_runs_in_micro_batches(landing):
    landing.send(30)
    once = landing.stream().withWatermark("timestamp", "1 minute").dropDuplicatesWithinWatermark(["value"])
    with pytest.raises(Exception, match="STREAMING_REAL_TIME_MODE") as refused:
        landing.start(once.select("value"), "realtime").awaitTermination(20)
    assert "STREAMING_REAL_TIME_MODE." in refusal(refused.value)
    landing.start(once.select("value"), "micro-batch")
    await_that(lambda: len(landing.received()) == 3, "each value is there once")


def test_a_committed_batch_is_told_with_its_offsets(landing):
    told = []
    with committed_batches(landing.spark, told.append):
        landing.send(30)
        landing.start(landing.stream().select("offset"), "micro-batch")
        await_that(lambda: told, "the batch is told")
    assert (told[0].flow, told[0].batch_id, told[0].offsets) == ("f", 0, {landing.source: {"0": 30}})
    assert told[0].progress["durationMs"]["addBatch"] > 0


@pytest.mark.parametrize("mode", ["realtime", "micro-batch"])
def test_what_to_do_with_the_state_of_a_changed_aggregation_is_told(landing, mode):
    told = []
    landing.send(30)
    with committed_batches(landing.spark, told.append):
        query = landing.start(counted(landing.stream()), mode)
        await_that(lambda: told, "a batch is committed")
        query.stop()
    landing.send(30)
    changed = landing.start(counted(landing.stream(), F.max("offset").alias("last")), mode)
    with pytest.raises(StreamingQueryException):
        changed.awaitTermination(20)
    error = failure(landing.plan(counted(landing.stream())), changed)
    assert "keeps of each group" in error.what
    assert "move the folder checkpoints/c.s.gold/f out of the home" in error.do


def test_two_queries_send_each_row_to_a_table_that_stores_it_once(landing, spark):
    spec = append_spec(topic=landing.target)
    rows = with_failed_expectations(landing.stream().selectExpr("landing_id", "0 AS batch_index", "1e0 AS value"), (), "silver")
    plan = FlowPlan("f", spec, as_records(rows, spec, (), flow="f", epoch=1), "5 seconds")
    for each in (plan, replica_of(plan)):
        start_query(each, "realtime", bootstrap=landing.bootstrap, checkpoints=str(landing.folder))
    landing.send(30)
    await_that(lambda: len(landing.records()) == 60, "both have sent all")
    assert [is_of_replica(record.headers) for record in landing.records()].count(True) == 30
    note = open_writer(landing.folder / "lake", spec).write(landing.records())
    assert (note.rows, note.duplicates, len(stored(landing.folder / "lake", spec))) == (30, 30, 30)


def test_a_query_that_was_stopped_has_not_failed():
    assert failure(PLAN, Ended()) is None


def test_a_place_that_was_lost_is_not_found_by_starting_again():
    error = failure(PLAN, Ended("a.B: OffsetOutOfRangeException: Fetch position is out of range for partition landing-0"))
    assert "no longer has the records" in error.what
    assert error.do.startswith("Move the folder checkpoints/c.s.gold/f out of the home and start again")


def test_a_failure_is_told_by_its_last_cause():
    error = failure(PLAN, Ended("Query f terminated\nCaused by: a.B: c\n\tat x\nCaused by: d.E: f\n\tat y"))
    assert (type(error), error.what) == (FlowError, "flow f stopped: Caused by: d.E: f")


def test_a_row_that_must_not_be_is_told_with_its_expectation():
    error = failure(
        PLAN, Ended('Query f\n[USER_RAISED_EXCEPTION] EXPECTATION_VIOLATION: t: a is not met by the row {"b":1}\n\tat x')
    )
    assert isinstance(error, ExpectationViolationError)
    assert error.what.endswith('EXPECTATION_VIOLATION: t: a is not met by the row {"b":1}')


@pytest.mark.parametrize("error", [None, Exception("[CONCURRENT_SCHEDULER_INSUFFICIENT_SLOT] no slot"), Exception("")])
def test_other_errors_are_no_refusals(error):
    assert refusal(error) is None
