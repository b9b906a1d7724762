"""Pipelines planned on streams that have the landing stream's columns and need no broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from pitlake.engine import sources
from pitlake.engine.planning import FlowPlan, UpdatePlan, plan_update
from pitlake.engine.session import session_conf
from pitlake.engine.sources import GraphReader
from pitlake.errors import DefinitionError
from pitlake.lake.names import TableName
from pitlake.pipelines.definitions import Pipeline
from pitlake.pipelines.loading import load
from tests.support.broker import RunningBroker
from tests.support.definitions import refusal, write_file
from tests.support.landing import Landing

LANDING_COLUMNS = (
    "cast(cast(value as string) as binary) as key",
    "cast(cast(value as string) as binary) as value",
    "'landing' as topic",
    "0 as partition",
    "value as offset",
    "timestamp",
    "0 as timestampType",
    "format_string('%05d-%019d', 0, value) as landing_id",
)


@pytest.fixture(autouse=True)
def _landing_without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    def rates(session: SparkSession, bootstrap: str, topic: str) -> DataFrame:
        return session.readStream.format("rate").load().selectExpr(*LANDING_COLUMNS)

    monkeypatch.setattr(sources, "landing_stream", rates)


@pytest.fixture
def real_time_state(spark: SparkSession, tmp_path: Path) -> Iterator[None]:
    """The settings of real-time mode's state for the test's queries, which are stopped after it."""
    state = {name: value for name, value in session_conf(tmp_path, [], "").items() if "stateStore." in name or "verify" in name}
    before = {name: spark.conf.get(name, None) for name in state}
    for name, value in state.items():
        spark.conf.set(name, value)
    yield
    for query in spark.streams.active:
        query.stop()
    for name, value in before.items():
        spark.conf.unset(name) if value is None else spark.conf.set(name, value)


@pytest.fixture
def landing(spark: SparkSession, broker: RunningBroker, tmp_path: Path, real_time_state: None) -> Landing:
    """A landing topic and what queries make of it."""
    return Landing(spark, broker.bootstrap, tmp_path)


@pytest.fixture
def reader_of(spark: SparkSession, tmp_path: Path) -> Callable[[Pipeline], GraphReader]:
    """A reader for a pipeline in `mine.site`, whose lake holds `mine.site.machines`."""
    return lambda pipeline: GraphReader(
        pipeline,
        spark,
        bootstrap="localhost:9092",
        lake=str(tmp_path / "lake"),
        catalog="mine",
        schema="site",
        landing={"landing"},
        tables={TableName("mine", "site", "machines")},
    )


@pytest.fixture
def planned(tmp_path: Path, reader_of: Callable[[Pipeline], GraphReader]) -> Callable[[str], UpdatePlan]:
    """The plan of a pipeline file of that text."""

    def plan(text: str) -> UpdatePlan:
        pipeline = load([write_file(tmp_path, text)])
        return plan_update(pipeline, reader_of(pipeline), catalog="mine", schema="site", epoch=7)

    return plan


@pytest.fixture
def flow_plan(planned: Callable[[str], UpdatePlan]) -> Callable[[str], FlowPlan]:
    """The plan of the one flow of a pipeline file of that text."""

    def only(text: str) -> FlowPlan:
        [flow] = planned(text).flows
        return flow

    return only


@pytest.fixture
def refused(tmp_path: Path, reader_of: Callable[[Pipeline], GraphReader]) -> Callable[[str], DefinitionError]:
    """Why a pipeline file of that text cannot be planned, at its line that is marked `# here`."""

    def error(text: str) -> DefinitionError:
        file = write_file(tmp_path, text)
        pipeline = load([file])
        return refusal(file, lambda: plan_update(pipeline, reader_of(pipeline), catalog="mine", schema="site", epoch=7))

    return error
