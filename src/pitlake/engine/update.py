"""One update: a pipeline is loaded, planned, set up, and run until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.planning import UpdatePlan, plan_update
from pitlake.engine.queries import BatchMarkers, failure, start_query
from pitlake.engine.session import LOCAL_MASTER, start_session
from pitlake.engine.sources import GraphReader
from pitlake.errors import ExpectationViolationError, FlowError
from pitlake.lake.catalog import list_tables
from pitlake.lake.spec import SPECS_TOPIC
from pitlake.pipelines.loading import load
from pitlake.streams.envelope import EPOCH, MARKER, Marker
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics, list_topics

# Batch boundaries of flows that start together fall together, and each waits for the others' planning and commits.
STAGGER_SECONDS = 3.0
WATCH_SECONDS = 0.5
# What a topic keeps for its followers and for a writer that was away; the tables keep the rest.
TABLE_TOPIC_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class UpdateConfig:
    """Where a pipeline's files, state, broker and lake are. `home` holds checkpoints; `lake` may be an object-store URL."""

    files: tuple[Path, ...]
    home: Path
    bootstrap: str
    lake: str
    catalog: str
    schema: str
    jars: tuple[Path, ...]
    master: str = LOCAL_MASTER


def next_epoch(home: Path, now_ms: int) -> int:
    """A number greater than that of every earlier update on this home: the current time in ms where clocks behave."""
    path = home / "epoch"
    last = int(path.read_text()) if path.exists() else 0
    epoch = max(now_ms, last + 1)
    home.mkdir(parents=True, exist_ok=True)
    path.write_text(str(epoch))
    return epoch


def plan(config: UpdateConfig, session: SparkSession, epoch: int) -> UpdatePlan:
    """Load and plan the pipeline; nothing is started. Raises DefinitionError and BrokerError."""
    pipeline = load(config.files)
    reader = GraphReader(
        pipeline,
        session,
        bootstrap=config.bootstrap,
        lake=config.lake,
        catalog=config.catalog,
        schema=config.schema,
        landing=set(list_topics(config.bootstrap)) - set(pipeline.datasets),
        tables=list_tables(config.lake),
    )
    return plan_update(pipeline, reader, catalog=config.catalog, schema=config.schema, epoch=epoch)


def run_update(
    config: UpdateConfig, *, stop: threading.Event, report: Callable[[str], None], on_ready: Callable[[], None]
) -> None:
    """Run the pipeline until `stop` is set; `report` gets a line per step, `on_ready` is called once every flow has been started.

    Raises DefinitionError before anything starts, FlowError when a flow stops that should not. A flow that stops at a row which
    it must not accept does not end the others: its error is raised when the update ends.
    """
    epoch = next_epoch(config.home, time.time_ns() // 1_000_000)
    report("Starting Spark")
    session = start_session(config.home, config.jars, master=config.master)
    report("Planning the pipeline")
    update = plan(config, session, epoch)
    publisher = Publisher(config.bootstrap)
    _set_up(config, update, publisher)
    markers = BatchMarkers(lambda flow, marker: _publish_marker(publisher, update, flow, marker, epoch))
    session.streams.addListener(markers)
    try:
        _watch(_start_flows(config, update, stop, report), stop, report, on_ready)
    finally:
        session.streams.removeListener(markers)
        for query in session.streams.active:
            query.stop()
        session.stop()


def _set_up(config: UpdateConfig, update: UpdatePlan, publisher: Publisher) -> None:
    tables = [Topic(spec.topic, retention_bytes=TABLE_TOPIC_BYTES) for spec in update.specs]
    ensure_topics(config.bootstrap, [Topic(SPECS_TOPIC, compacted=True), *tables])
    for spec in update.specs:
        publisher.send(SPECS_TOPIC, spec.model_dump_json().encode(), key=spec.name.encode())
    publisher.flush()


def _start_flows(
    config: UpdateConfig, update: UpdatePlan, stop: threading.Event, report: Callable[[str], None]
) -> dict[str, StreamingQuery]:
    queries: dict[str, StreamingQuery] = {}
    for flow in update.flows:
        if queries and stop.wait(STAGGER_SECONDS):
            break
        report(f"Starting flow {flow.name}")
        queries[flow.name] = start_query(flow, bootstrap=config.bootstrap, checkpoints=str(config.home / "checkpoints"))
    return queries


def _watch(
    queries: dict[str, StreamingQuery], stop: threading.Event, report: Callable[[str], None], on_ready: Callable[[], None]
) -> None:
    on_ready()
    violated = None
    while not stop.wait(WATCH_SECONDS):
        for name in [name for name, query in queries.items() if not query.isActive]:
            error = failure(name, queries.pop(name))
            if not isinstance(error, ExpectationViolationError) or not queries:
                raise error or FlowError(f"flow {name} ended by itself", do="Start the pipeline again.")
            violated = error
            report(error.what)
    if violated is not None:
        raise violated


def _publish_marker(publisher: Publisher, update: UpdatePlan, flow_name: str, marker: Marker, epoch: int) -> None:
    flow = next(flow for flow in update.flows if flow.name == flow_name)
    headers = {EPOCH: str(epoch).encode(), MARKER: marker.model_dump_json().encode()}
    for topic in flow.topics:
        publisher.send(topic, b"", headers=headers)
