"""Streaming queries: starting a flow in one of the two modes, telling why it stopped."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.expectations import VIOLATION
from pitlake.engine.options import Mode
from pitlake.engine.planning import SinkPlan, StreamPlan
from pitlake.errors import ExpectationViolationError, FlowError
from pitlake.streams.connections import MAX_RECORD_BYTES

MICRO_BATCH = "2 seconds"

_SINK_OPTIONS = {
    "kafka.linger.ms": "0",
    "kafka.buffer.memory": "67108864",
    "kafka.max.request.size": str(MAX_RECORD_BYTES),
}
_TABLE_OPTIONS = {
    # One request at a time, for all tables together, as Spark's tasks share a producer: a lone row leaves at once, and those that
    # come while it is under way leave together. The more there are, the fewer requests there are for each.
    "kafka.max.in.flight.requests.per.connection": "1",
    "kafka.batch.size": "262144",
    # Kafka gives up a record after two minutes and sends those after it, and a fence takes what comes later for a replay. So
    # it tries for as long as it can; that a broker stays away a query is told by what it reads, and not by what it sends.
    "kafka.delivery.timeout.ms": str(2**31 - 1),
}
_REFUSED = "STREAMING_REAL_TIME_MODE"
_GONE = ("OffsetOutOfRangeException", "data may have been lost because they are not available in Kafka any more")
"""How a query ends that was to go on at records which are not there, in real-time mode and in micro-batches."""

_OTHER_STATE = ("STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE", "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE")
"""How a query ends whose checkpoint holds groups of other types: an aggregation was changed. Spark compares types alone."""


def start_query(plan: StreamPlan, mode: Mode, *, bootstrap: str, checkpoints: str) -> StreamingQuery:
    """Start a flow; its checkpoint is named after it, so renaming it starts it from the beginning, changing its mode does not.

    A Kafka sink's own options win over pitlake's, its Kafka over `bootstrap`. Raises PySparkException for what Spark refuses at
    once; other refusals end the query that is returned.
    """
    own = plan.sink.options if isinstance(plan, SinkPlan) else _TABLE_OPTIONS
    writer = plan.records.writeStream.format("kafka").outputMode("update").queryName(plan.name)
    writer = writer.options(**{"kafka.bootstrap.servers": bootstrap, **_SINK_OPTIONS, **own})
    writer = writer.option("checkpointLocation", f"{checkpoints}/{plan.checkpoint}")
    in_time = (
        writer.trigger(realTime=plan.interval)  # type: ignore[call-overload]
        if mode == "realtime"
        else writer.trigger(processingTime=MICRO_BATCH)
    )
    query: StreamingQuery = in_time.start()
    return query


def has_begun(query: StreamingQuery, session: SparkSession) -> bool:
    """Whether a query has a batch that runs, or ran: Spark names the jobs of a query's batches after its run."""
    return bool(session.sparkContext.statusTracker().getJobIdsForGroup(query.runId))


def refusal(error: Exception | None) -> str | None:
    """Why real-time mode does not take a query, in Spark's words; None for any other error."""
    return next((line.strip() for line in str(error).splitlines() if _REFUSED in line), None)


def has_lost_its_place(error: Exception | None) -> bool:
    """Whether a query ended because the records at which it was to go on are gone: deleted by retention, or of another topic."""
    text = str(error)
    return VIOLATION not in text and any(sign in text for sign in _GONE)


def failure(plan: StreamPlan, query: StreamingQuery) -> FlowError | None:
    """Why a flow's query stopped, for people; None when it was stopped on purpose."""
    error = query.exception()
    if error is None:
        return None
    cause = cause_of(error)
    if cause.startswith(VIOLATION):
        return ExpectationViolationError(
            f"flow {plan.name} stopped at a row that it must not accept: {cause}",
            do="Handle such rows in the flow's query, or change the expectation, then start again.",
        )
    if has_lost_its_place(error):
        return FlowError(
            f"flow {plan.name} stopped, as Kafka no longer has the records at which it was to go on: {cause}",
            do=f"Move the folder checkpoints/{plan.checkpoint} out of the home and start again: the flow begins at the oldest "
            "records that its topic has. Those that it had not read are lost to it; an aggregation counts open windows anew. "
            "Where the topic itself was made anew, start with another home: the tables would take its first records for replays.",
        )
    if any(sign in str(error) for sign in _OTHER_STATE):
        return FlowError(
            f"flow {plan.name} stopped, as what it keeps of each group, or the groups, are not those of its checkpoint: {cause}",
            do=f"Bring the query back as it was, or move the folder checkpoints/{plan.checkpoint} out of the home and start "
            "again: the flow begins at the oldest records of its topic. What it wrote stays; a table's row is replaced once its "
            "group counts as many again, so an open window of which the topic has lost a part keeps what it has.",
        )
    return FlowError(
        f"flow {plan.name} stopped: {cause}",
        do="See the pipeline's log for the cause; started again, the flow goes on from its checkpoint, at the same records.",
    )


def cause_of(error: Exception) -> str:
    """The one line of a Spark error that says what went wrong: the row that an expectation refuses, or the last cause."""
    text = str(error)
    if VIOLATION in text:
        return text[text.index(VIOLATION) :].splitlines()[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by:")]
    return (causes or lines or ["unknown"])[-1 if causes else 0]
