"""The pipeline's event log: a table like any other, whose rows the driver publishes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from pitlake.engine.events import COLUMNS, EVENT_LOG, Event, Update, event_row, flow_measured, totals_in
from pitlake.engine.progress import Progress, growth, stored_progress
from pitlake.lake.commits import app_id
from pitlake.lake.names import TableName
from pitlake.lake.spec import TableSpec, WriteMode
from pitlake.lake.sql import query
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher

RETENTION_DAYS = 30
SHORTEST_SECONDS = 30.0

_log = logging.getLogger(__name__)

_LAST_MEASURED = f"""
    SELECT origin.table_name AS name, max_by(details, sequence.data_plane_id.seq_no) AS details
    FROM {EVENT_LOG} WHERE event_type = 'flow_progress' AND level = 'METRICS' GROUP BY origin.table_name
"""  # noqa: S608 (a name of our own)


def event_log_topic(catalog: str, schema: str) -> str:
    """The topic of the event log; as for any table, its full name."""
    return str(TableName(catalog, schema, EVENT_LOG))


def event_log_spec(catalog: str, schema: str) -> TableSpec:
    """The event log's table. It has no key: the driver publishes an event once, and the writer stores each record once."""
    return TableSpec(
        name=str(TableName(catalog, schema, EVENT_LOG)),
        topic=event_log_topic(catalog, schema),
        mode=WriteMode.APPEND,
        columns=COLUMNS,
        comment="What the pipeline's updates tell of themselves",
        retention_days=RETENTION_DAYS,
        retention_column="timestamp",
        commit_interval_ms=1000,
    )


class EventLog:
    """Publishes the events of one update, in order. For any thread.

    Events bear no epoch: several drivers may tell one event log, each of pipelines of its own.
    """

    def __init__(self, publisher: Publisher, update: Update, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._publisher, self._update, self._now = publisher, update, now
        self._topic = event_log_topic(update.catalog, update.schema)
        self._lock = threading.Lock()
        self._count = 0

    def add(self, *events: Event) -> None:
        """Publish events. Raises BrokerError when an earlier one could not be delivered."""
        with self._lock:
            for event in events:
                value = event_row(event, self._update, self._count, self._now())
                self._publisher.send(self._topic, value)
                self._count += 1

    @contextmanager
    def publishing(self) -> Iterator[Publisher]:
        """The publisher of the events for something else, while the block lasts: it is for one thread at a time."""
        with self._lock:
            yield self._publisher

    def flush(self) -> None:
        """Wait until all events are in the topic. Raises BrokerError when one is not."""
        with self._lock:
            self._publisher.flush()


class ProgressLog:
    """Tells the event log, per flow, what the writer has stored since this was last told, also by an earlier update.

    `told` are the totals that the event log holds. Rows of a table that several flows fill are told by the flow that is measured
    first. `clock` gives seconds. For any thread.
    """

    def __init__(
        self, log: EventLog, lake: str, told: Mapping[str, Progress], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._lake, self._told, self._clock = log, lake, dict(told), clock
        self._measured: dict[str, float] = {}
        self._lock = threading.Lock()

    def batch_committed(self, flow: str, spec: TableSpec, batch_id: int) -> None:
        """Tell what the flow's table has gained, unless the flow has told it only just now, as short batches would."""
        if self._clock() - self._measured.get(flow, float("-inf")) >= SHORTEST_SECONDS:
            self._measure(flow, spec, "RUNNING", batch_id)

    def stopped(self, flow: str, spec: TableSpec) -> None:
        """Tell what the flow's table has gained by the end of the flow."""
        self._measure(flow, spec, "STOPPED", None)

    def _measure(self, flow: str, spec: TableSpec, status: str, batch_id: int | None) -> None:
        with self._lock:
            try:
                totals = stored_progress(self._lake, spec)
            except (DeltaError, OSError) as fault:
                _log.warning("%s: its commits cannot be read now; the next measurement tells of them: %s", spec.name, fault)
                return
            gained = growth(self._told.get(spec.name, Progress()), totals)
            self._log.add(flow_measured(flow, spec, gained, totals, batch_id=batch_id, status=status))
            self._told[spec.name] = totals
            self._measured[flow] = self._clock()


def told_progress(bootstrap: str, lake: str, catalog: str, schema: str) -> dict[str, Progress]:
    """Per table the totals that earlier updates have told: in the event log's table, or still on their way to it.

    Raises BrokerError and LakeError.
    """
    topic = event_log_topic(catalog, schema)
    path = TableName(catalog, schema, EVENT_LOG).path(lake)
    table = DeltaTable(path) if DeltaTable.is_deltatable(path) else None
    # The offset first: what the table gains meanwhile is then read twice, not missed.
    offset = table.transaction_version(app_id(topic, 0)) if table else None
    stored = query(lake, _LAST_MEASURED, catalog=catalog, schema=schema).to_pylist() if table else []
    told = {event["name"]: totals for event in stored if (totals := totals_in(event["details"]))}
    with TopicReader(bootstrap, topic, {0: BEGINNING if offset is None else offset}, follow=False) as reader:
        for event in _events(reader):
            if totals := totals_in(event["details"]):
                told[event["origin"]["table_name"]] = totals
    return told


def _events(reader: TopicReader) -> Iterator[dict[str, Any]]:
    while not reader.at_end:
        yield from (orjson.loads(record.value) for record in reader.take(500, 0.2) if record.value)
