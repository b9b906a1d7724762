"""A task of a job: the specification's validation queries. One verdict that is not what it must be fails the task."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from pitlake.mining.validation import VALIDATION_QUERIES, Verdict, judge_latency

if TYPE_CHECKING:
    from collections.abc import Callable

    from pitlake.mining.validation import Rows, ValidationQuery

SPECIFIED_PLACE = "field_engineering.mining_demo"
MAX_AVG_LATENCY_SECONDS = 30.0
MAX_LATENCY_SECONDS = 60.0
"""Zerobus takes about five seconds into the landing table, and a stream looks at it every few: the second that the specification
asks for is for the real-time path to keep."""


def main(catalog: str, schema: str) -> None:
    """Judge the tables of a schema. Raises RuntimeError with what is wrong."""
    spark = SparkSession.builder.getOrCreate()
    failures = []
    for query in VALIDATION_QUERIES:
        rows = [row.asDict() for row in spark.sql(statement(query, f"{catalog}.{schema}")).collect()]
        verdict = judge(query)(rows)
        print(f"{'ok' if verdict.ok else 'FAILED'}  {query.name} ({query.reads}): {verdict.reason}")  # noqa: T201  (the log of the task)
        if not verdict.ok:
            failures.append(f"{query.name}: {verdict.reason}")
    if failures:
        raise RuntimeError(f"{len(failures)} of {len(VALIDATION_QUERIES)} queries failed: {'; '.join(failures)}")


def statement(query: ValidationQuery, place: str) -> str:
    """A query for the tables of `place`, `catalog.schema`, where the pipeline publishes its event log as a table."""
    with_event_log = query.sql.replace(f"event_log('{SPECIFIED_PLACE}')", f"{place}.event_log")
    return with_event_log.replace(SPECIFIED_PLACE, place)


def judge(query: ValidationQuery) -> Callable[[Rows], Verdict]:
    """What judges a query's answer on Databricks: the query's own judge, but for two."""
    return _JUDGES.get(query.name, query.judge)


def judge_event_log(rows: Rows) -> Verdict:
    """The flows report themselves, and nothing failed: a continuous pipeline's update began long before the hour asked for."""
    errors = [row["message"] for row in rows if row["level"] == "ERROR"]
    if errors:
        return Verdict(ok=False, reason=f"{len(errors)} errors, the latest: {errors[0]}")
    progress = sum(row["event_type"] == "flow_progress" for row in rows)
    return Verdict(progress > 0, f"{len(rows)} events, {progress} of them of flows, no error")


_JUDGES: dict[str, Callable[[Rows], Verdict]] = {
    "latency is low": partial(judge_latency, average=MAX_AVG_LATENCY_SECONDS, worst=MAX_LATENCY_SECONDS),
    "the event log is clean": judge_event_log,
}
