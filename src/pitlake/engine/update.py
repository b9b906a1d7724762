"""One update: a pipeline is loaded, planned, set up, and run until it is told to stop."""

from __future__ import annotations

import getpass
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.batches import CommittedBatch, committed_batches
from pitlake.engine.checkpoints import forget_place, share_place
from pitlake.engine.event_log import EventLog, ProgressLog, event_log_spec, told_progress
from pitlake.engine.events import (
    Event,
    Update,
    batch_committed,
    dataset_defined,
    flow_defined,
    sink_defined,
    sink_flow_defined,
    update_created,
    update_state,
    view_defined,
)
from pitlake.engine.known import KnownPipeline
from pitlake.engine.lateness import waited_seconds
from pitlake.engine.options import Mode
from pitlake.engine.planning import FlowPlan, SinkPlan, StreamPlan, UpdatePlan, plan_update, specs_of
from pitlake.engine.queries import has_begun, start_query
from pitlake.engine.running import Flows, in_turns
from pitlake.engine.session import unlogged
from pitlake.engine.sides import StaticSides
from pitlake.engine.sources import GraphReader
from pitlake.engine.tables import await_tables
from pitlake.engine.views import Views, publish_refresh
from pitlake.errors import PitlakeError
from pitlake.lake.catalog import list_tables
from pitlake.lake.names import TableName
from pitlake.lake.spec import SPECS_TOPIC, TableSpec
from pitlake.local.files import write_atomically
from pitlake.pipelines.loading import load
from pitlake.streams.envelope import EPOCH, MARKER, Marker, encode_epoch, encode_marker
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics, list_topics

# What a topic keeps for its followers and for a writer that was away; the tables keep the rest.
TABLE_TOPIC_BYTES = 512 * 1024 * 1024

Report = Callable[[str], None]


@dataclass(frozen=True)
class UpdateConfig:
    """Where a pipeline's files, state, broker and lake are, and how it runs.

    `home` holds checkpoints, the same in both modes; `lake` may be an object-store URL.
    """

    files: tuple[Path, ...]
    home: Path
    bootstrap: str
    lake: str
    catalog: str
    schema: str
    mode: Mode = "realtime"


def next_epoch(home: Path, now_ms: int) -> int:
    """A number greater than that of every earlier update on this home: the current time in ms where clocks behave."""
    path = home / "epoch"
    last = int(path.read_text()) if path.exists() else 0
    epoch = max(now_ms, last + 1)
    write_atomically(path, str(epoch))
    return epoch


def landing_topics(topics: Iterable[str]) -> set[str]:
    """The topics that may be read as landing streams: a table's topic bears a full name, with dots, and is read by the writer."""
    return {topic for topic in topics if "." not in topic and not topic.startswith("__")}


def run_update(
    config: UpdateConfig, session: SparkSession, *, stop: threading.Event, report: Report, on_ready: Callable[[], None]
) -> None:
    """Run the pipeline until `stop` is set; `report` gets a line per step, `on_ready` is called once every flow has been started.

    What happens is told in the event log. Raises DefinitionError, before anything starts unless this code was planned before;
    LakeError for a table that cannot be read; FlowError when a flow stops that should not. A flow that stops at a row which it
    must not accept does not end the others: its error is raised when the update ends.
    """
    update = Update(config.catalog, config.schema, next_epoch(config.home, time.time_ns() // 1_000_000))
    # One for specs and events: a new one takes half a second until the broker has numbered it.
    publisher = Publisher(config.bootstrap)
    with _told(config, update, publisher) as log, StaticSides(session, config.home / "spark") as sides:
        _Run(config, update, session, sides, log, report).until(stop, on_ready)


@contextmanager
def _told(config: UpdateConfig, update: Update, publisher: Publisher) -> Iterator[EventLog]:
    """The update's event log, from its creation to its end, whichever that is."""
    _send_specs(config.bootstrap, publisher, [event_log_spec(config.catalog, config.schema)])
    log = EventLog(publisher, update)
    log.add(update_created(update, _settings(config), getpass.getuser()), update_state(update, "INITIALIZING"))
    try:
        yield log
    except PitlakeError as error:
        log.add(update_state(update, "FAILED", error))
        log.flush()
        raise
    log.add(update_state(update, "CANCELED"))
    log.flush()


class _Run:
    """An update from planning to its end."""

    def __init__(
        self,
        config: UpdateConfig,
        update: Update,
        session: SparkSession,
        sides: StaticSides,
        log: EventLog,
        report: Report,
    ) -> None:
        self._config, self._update, self._session, self._sides = config, update, session, sides
        self._log, self._report = log, report
        self._plans: dict[str, StreamPlan] = {}
        """The flows whose batches are marked, by name."""
        self._progress: ProgressLog | None = None
        checkpoints = str(config.home / "checkpoints")
        self._flows = Flows(
            lambda flow, mode: start_query(flow, mode, bootstrap=config.bootstrap, checkpoints=checkpoints),
            lambda flow: forget_place(flow, checkpoints),
            lambda flow, replica: share_place(flow, replica, checkpoints),
            config.mode,
            stop=self._stop_query,
            has_begun=lambda query: has_begun(query, session),
            waited=lambda offsets: waited_seconds(config.bootstrap, offsets),
            log=log,
            report=report,
        )

    def until(self, stop: threading.Event, on_ready: Callable[[], None]) -> None:
        config, views = self._config, None
        with committed_batches(self._session, self._marking()):
            try:
                planned = self._planned(stop)
                self._set_up(planned)
                told = told_progress(config.bootstrap, config.lake, config.catalog, config.schema)
                self._progress = ProgressLog(self._log, config.lake, told)
                views = self._views(planned, self._progress)
                await_tables(config.lake, planned.awaited, stop)
                if stop.is_set():
                    return
                self._sides.keep([table.path(config.lake) for table in planned.sides])
                self._flows.start(_streams(planned), self._progress, stop)
                views.start()
                self._log.add(update_state(self._update, "RUNNING"))
                on_ready()
                self._report("All flows run.")
                self._flows.watch(stop)
                self._log.add(update_state(self._update, "STOPPING"))
                self._report("Stopping.")
            finally:
                # Each task that is interrupted is an error to Spark. Its tasks end after their query, so it stays silent.
                self._session.sparkContext.setLogLevel("OFF")
                self._flows.stop()
                if views:
                    views.stop()

    def _planned(self, stop: threading.Event) -> UpdatePlan:
        """The pipeline, loaded and planned. Of one that has not changed since it was planned, the first flow begins meanwhile."""
        self._report("Planning the pipeline")
        config = self._config
        known = KnownPipeline(config.home, config.files, (config.lake, config.catalog, config.schema))
        pipeline = load(config.files)
        reader = GraphReader(
            pipeline,
            self._session,
            bootstrap=config.bootstrap,
            lake=config.lake,
            catalog=config.catalog,
            schema=config.schema,
            landing=landing_topics(list_topics(config.bootstrap)),
            tables=list_tables(config.lake),
            open_side=self._sides.open,
        )
        planned = plan_update(
            pipeline,
            reader,
            catalog=config.catalog,
            schema=config.schema,
            epoch=self._update.epoch,
            first=known.first_flow(),
            on_first=lambda plan: self._begin(plan, reader, stop),
        )
        if streams := in_turns(_streams(planned)):
            known.remember(streams[0].name)
        return planned

    def _begin(self, plan: StreamPlan, reader: GraphReader, stop: threading.Event) -> None:
        """Start a flow before the others are planned, if it waits for no table of theirs."""
        if not isinstance(plan, FlowPlan) or plan.refreshes or reader.awaited or stop.is_set():
            return
        self._send_specs(list(specs_of([plan])))
        self._log.flush()
        self._sides.hold([table.path(self._config.lake) for table in reader.sides(plan.target)])
        self._plans[plan.name] = plan
        self._flows.begin(plan)
        # Side by side both would take twice as long, and it is the first row that people wait for.
        self._flows.await_first_batch(stop)

    def _send_specs(self, specs: Sequence[TableSpec]) -> None:
        with self._log.publishing() as publisher:
            _send_specs(self._config.bootstrap, publisher, specs)

    def _set_up(self, planned: UpdatePlan) -> None:
        """Ask for the tables, and make the topics."""
        self._plans.update({plan.name: plan for plan in planned.plans})
        self._log.add(*_definitions(planned), update_state(self._update, "SETTING_UP_TABLES"))
        self._send_specs(planned.specs)
        self._log.flush()
        _ensure_sink_topics(self._config.bootstrap, planned.sinks)

    def _stop_query(self, query: StreamingQuery) -> None:
        with unlogged(self._session):
            query.stop()

    def _views(self, planned: UpdatePlan, progress: ProgressLog) -> Views:
        publisher = Publisher(self._config.bootstrap)
        return Views(
            [flow for flow in planned.flows if flow.refreshes],
            lambda view, refresh: publish_refresh(view, publisher, epoch=self._update.epoch, refresh=refresh),
            log=self._log,
            progress=progress,
            report=self._report,
        )

    def _marking(self) -> Callable[[CommittedBatch], None]:
        """Marks a committed batch in the topics of its flow and tells it to the event log."""
        publisher = Publisher(self._config.bootstrap)

        def mark(batch: CommittedBatch) -> None:
            self._flows.at_boundary(batch.flow, batch.offsets)
            plan = self._plans.get(batch.flow)
            if plan is None:  # a replica's: the flow's own query tells of the flow
                return
            self._log.add(batch_committed(plan.name, plan.table, batch.batch_id, batch.progress, sink=plan.sink_name))
            if isinstance(plan, SinkPlan):  # its records are the sink's own: there is no table that would know a marker
                return
            marker = Marker(flow=batch.flow, batch_id=batch.batch_id, offsets=batch.offsets)
            for topic in plan.topics:
                publisher.send(topic, b"", headers={EPOCH: encode_epoch(self._update.epoch), MARKER: encode_marker(marker)})
            if self._progress:  # else it is told with a later batch
                self._progress.batch_committed(plan.name, plan.spec, batch.batch_id)

        return mark


def _streams(planned: UpdatePlan) -> list[StreamPlan]:
    return [*(flow for flow in planned.flows if not flow.refreshes), *planned.sinks]


def _send_specs(bootstrap: str, publisher: Publisher, specs: Sequence[TableSpec]) -> None:
    tables = [Topic(spec.topic, retention_bytes=TABLE_TOPIC_BYTES) for spec in specs]
    ensure_topics(bootstrap, [Topic(SPECS_TOPIC, compacted=True), *tables])
    for spec in specs:
        publisher.send(SPECS_TOPIC, spec.model_dump_json().encode(), key=spec.name.encode())


def _ensure_sink_topics(bootstrap: str, plans: Sequence[SinkPlan]) -> None:
    """Create the topics of Kafka sinks that are missing on the pipeline's own Kafka; those of another are their owner's."""
    own = [plan.sink.options for plan in plans if plan.sink.options.get("kafka.bootstrap.servers", bootstrap) == bootstrap]
    named = {options["topic"] for options in own if "topic" in options}
    missing = named - list_topics(bootstrap).keys() if named else set()
    ensure_topics(bootstrap, [Topic(name, retention_bytes=TABLE_TOPIC_BYTES) for name in sorted(missing)])


def _settings(config: UpdateConfig) -> dict[str, object]:
    return {
        "libraries": [{"file": str(file)} for file in config.files],
        "catalog": config.catalog,
        "schema": config.schema,
        "continuous": True,
        "mode": config.mode,
    }


def _definitions(planned: UpdatePlan) -> Iterator[Event]:
    stored = {TableName.parse(spec.name).name: spec.name for spec in planned.specs}
    flows = Counter(plan.target for plan in planned.plans)
    for plan in {plan.target: plan for plan in planned.plans}.values():
        if isinstance(plan, FlowPlan) and plan.sink is None:
            yield dataset_defined(plan.spec, flows[plan.target], planned.left_out.get(plan.target, ()))
        elif plan.sink is not None:
            yield sink_defined(plan.sink, flows[plan.target])
    reads = {reader: {stored.get(name, name) for name in names} for reader, names in planned.reads.items()}
    for view in sorted(reads.keys() - flows.keys()):
        yield view_defined(view, reads[view])
    for plan in planned.plans:
        inputs = reads.get(plan.target, set())
        if isinstance(plan, FlowPlan):
            yield flow_defined(plan.name, plan.spec, inputs, sink=plan.sink_name)
        else:
            kind = "UPDATE" if plan.updates else "APPEND"
            yield sink_flow_defined(plan.name, kind, plan.sink_name, inputs, plan.records.dtypes)
