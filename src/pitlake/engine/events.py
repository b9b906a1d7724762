"""What an update tells of itself, as the events of Databricks' event log: pure values, published by `event_log`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from pitlake.engine.progress import Progress
from pitlake.errors import PitlakeError
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.pipelines.definitions import Sink

EVENT_LOG = "event_log"

_EXCEPTION = "class_name STRING, message STRING, error_class STRING, sql_state STRING"
_ORIGIN = (
    "cloud STRING, region STRING, org_id STRING, pipeline_id STRING, pipeline_type STRING, pipeline_name STRING, "
    "cluster_id STRING, update_id STRING, table_name STRING, dataset_name STRING, sink_name STRING, flow_id STRING, "
    "flow_name STRING, batch_id BIGINT, request_id STRING"
)
COLUMNS = (
    Column(name="id", type="STRING", nullable=False, comment="Identity of the event"),
    Column(
        name="sequence",
        type="STRUCT<data_plane_id: STRUCT<instance: STRING, seq_no: BIGINT>>",
        comment="Orders the events of a pipeline",
    ),
    Column(name="origin", type=f"STRUCT<{_ORIGIN}>", comment="Where the event comes from: pipeline, update, flow, table"),
    Column(name="timestamp", type="TIMESTAMP", nullable=False, comment="When it happened, UTC"),
    Column(name="message", type="STRING", comment="What happened, for people"),
    Column(name="level", type="STRING", nullable=False, comment="INFO, WARN, ERROR or METRICS"),
    Column(name="maturity_level", type="STRING", comment="How stable the event's details are"),
    Column(name="error", type=f"STRUCT<fatal: BOOLEAN, exceptions: ARRAY<STRUCT<{_EXCEPTION}>>>", comment="Why it failed"),
    Column(name="details", type="STRING", comment="The event as JSON, under its type"),
    Column(name="event_type", type="STRING", nullable=False, comment="Kind of event"),
)

FLOW_TYPES = {
    WriteMode.APPEND: "APPEND",
    WriteMode.UPSERT: "UPDATE",
    WriteMode.CDC: "CHANGE",
    WriteMode.REFRESH: "MATERIALIZED_VIEW",
}
VIEW = "VIEW"
"""The type of a flow whose rows are not stored."""

# Numbers of an update's events begin above all numbers of the updates before it.
_NUMBERS_PER_EPOCH = 1_000_000
_SECRET = re.compile(r"password|secret|token|credential|jaas|\.key(\.|$)", re.IGNORECASE)
_COVERED = "***"
_ERROR_CLASS = re.compile(r"\[?\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?:\.[A-Z0-9_]+)?)\b\]?[:\s]")
_SQL_STATE = re.compile(r"SQLSTATE: (\w{5})")


class Level(StrEnum):
    """How much an event matters; METRICS is for measurements that come with every batch."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    METRICS = "METRICS"


@dataclass(frozen=True)
class Event:
    """Something that happened, at `level`, with `details` as Databricks names them.

    `table` is `catalog.schema.table`; `sink` the bare name of the sink that a flow writes, in place of a table or as one.
    """

    kind: str
    message: str
    details: Mapping[str, Any]
    level: Level = Level.INFO
    table: str | None = None
    sink: str | None = None
    flow: str | None = None
    batch_id: int | None = None
    error: PitlakeError | None = None
    totals: Progress | None = None


@dataclass(frozen=True)
class Update:
    """One run of a pipeline: the epoch of its driver, and where its tables are."""

    catalog: str
    schema: str
    epoch: int

    @property
    def pipeline(self) -> str:
        """The pipeline's name, which is its schema's."""
        return f"{self.catalog}.{self.schema}"

    @property
    def pipeline_id(self) -> uuid.UUID:
        """The same for every update of the pipeline."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"pitlake:{self.pipeline}")

    @property
    def update_id(self) -> uuid.UUID:
        """The update's own."""
        return uuid.uuid5(self.pipeline_id, str(self.epoch))


def update_created(update: Update, settings: Mapping[str, Any], user: str) -> Event:
    """An update begins, with these settings."""
    details = {"cause": "USER_ACTION", "run_as": user, "config": dict(settings)}
    return Event("create_update", f"Update {_short(update)} started by {user}.", details)


def update_state(update: Update, state: str, error: PitlakeError | None = None) -> Event:
    """An update has come to a state such as RUNNING; with an error, to its end."""
    because = f" because {error.what}" if error else ""
    level = Level.ERROR if error else Level.INFO
    return Event("update_progress", f"Update {_short(update)} is {state}{because}.", {"state": state}, level, error=error)


def dataset_defined(spec: TableSpec, flows: int, left_out: Sequence[str] = ()) -> Event:
    """A table of the pipeline and its expectations; of properties of Delta that are `left_out` it warns."""
    dataset_type = "MATERIALIZED_VIEW" if spec.mode is WriteMode.REFRESH else "STREAMING_TABLE"
    details = {"dataset_type": dataset_type, "num_flows": flows, "expectations": [{"name": e} for e in spec.expectations]}
    without = f" without {', '.join(left_out)}, to which pitlake's writer does not keep" if left_out else ""
    level = Level.WARN if left_out else Level.INFO
    return Event("dataset_definition", f"Dataset {spec.name} defined{without}.", details, level, table=spec.name)


def sink_defined(sink: Sink, flows: int) -> Event:
    """A sink of the pipeline; what is secret in its options is not told."""
    details = {"format": sink.format, "options": told_options(sink.options), "num_flows": flows}
    return Event("sink_definition", f"Sink {sink.name} defined as {sink.format}.", details, sink=sink.name)


def told_options(options: Mapping[str, str]) -> dict[str, str]:
    """Options of a sink as they may be shown: a password or the like is covered."""
    return {name: _COVERED if _SECRET.search(name) else value for name, value in options.items()}


def flow_defined(flow: str, spec: TableSpec, inputs: Collection[str], *, sink: str | None = None) -> Event:
    """A flow, what it reads, and the table that it writes, which may be that of a `sink`."""
    columns = [(column.name, column.type) for column in spec.columns]
    return _flow_defined(flow, FLOW_TYPES[spec.mode], inputs, columns, table=spec.name, sink=sink, comment=spec.comment)


def view_defined(view: str, inputs: Collection[str]) -> Event:
    """A temporary view, and what it reads."""
    return _flow_defined(view, VIEW, inputs, (), table=view)


def sink_flow_defined(flow: str, kind: str, sink: str, inputs: Collection[str], columns: Sequence[tuple[str, str]]) -> Event:
    """A flow of a kind such as UPDATE into a sink that is no table; `columns` are names with types."""
    return _flow_defined(flow, kind, inputs, columns, sink=sink)


def _flow_defined(
    flow: str,
    kind: str,
    inputs: Collection[str],
    columns: Sequence[tuple[str, str]],
    *,
    table: str | None = None,
    sink: str | None = None,
    comment: str | None = None,
) -> Event:
    details = {
        **({"output_sink": sink} if sink else {"output_dataset": table}),
        "input_datasets": [{"name": name} for name in sorted(inputs)],
        "flow_type": kind,
        "schema": [{"name": name, "data_type": data_type} for name, data_type in columns],
        "comment": comment,
        "language": "PYTHON",
        "once": False,
    }
    return Event("flow_definition", f"Flow {flow} defined as {kind}.", details, table=table, sink=sink, flow=flow)


def flow_state(flow: str, table: str | None, status: str, *, sink: str | None = None, warning: str | None = None) -> Event:
    """A flow has come to a status such as STARTING; a warning says what is not as it was asked for."""
    message = f"Flow {flow} is {status}" + (f": {warning}" if warning else ".")
    level = Level.WARN if warning else Level.INFO
    return Event("flow_progress", message, {"status": status}, level, table=table, sink=sink, flow=flow)


def flow_failed(flow: str, table: str | None, error: PitlakeError, *, sink: str | None = None) -> Event:
    """A flow has stopped that should not have."""
    details = {"status": "FAILED"}
    return Event("flow_progress", error.what, details, Level.ERROR, table=table, sink=sink, flow=flow, error=error)


def batch_committed(
    flow: str, table: str | None, batch_id: int, progress: Mapping[str, Any], *, sink: str | None = None
) -> Event:
    """A streaming query has committed a batch; `progress` is Spark's report of it, with the time that each step took."""
    details = {"progress_json": orjson.dumps(progress).decode()}
    message = f"Flow {flow} has committed batch {batch_id}."
    return Event("stream_progress", message, details, Level.METRICS, table=table, sink=sink, flow=flow, batch_id=batch_id)


def flow_measured(
    flow: str, spec: TableSpec, growth: Progress, totals: Progress, *, batch_id: int | None, status: str = "RUNNING"
) -> Event:
    """What a flow's table has gained since it was last measured, and what it has gained in all."""
    rows = "num_upserted_rows" if spec.mode is WriteMode.CDC else "num_output_rows"
    expectations = [
        {"name": name, "dataset": spec.name, "passed_records": tally.passed, "failed_records": tally.failed}
        for name, tally in growth.expectations.items()
    ]
    details = {
        "status": status,
        "metrics": {rows: growth.rows},
        "data_quality": {"dropped_records": growth.dropped, "expectations": expectations},
    }
    message = f"Flow {flow} has stored {growth.rows} rows and dropped {growth.dropped}."
    return Event("flow_progress", message, details, Level.METRICS, table=spec.name, flow=flow, batch_id=batch_id, totals=totals)


def event_row(event: Event, update: Update, number: int, at: datetime) -> bytes:
    """The event as a row of the event log: JSON in the envelope's encoding; `number` counts the update's events, `at` is UTC."""
    identity = uuid.uuid5(update.update_id, str(number))
    own = {"pitlake": {"totals": event.totals.model_dump()}} if event.totals else {}
    return orjson.dumps(
        {
            "id": str(identity),
            "sequence": {"data_plane_id": {"instance": "pitlake", "seq_no": update.epoch * _NUMBERS_PER_EPOCH + number}},
            "origin": _origin(event, update),
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "message": event.message,
            "level": event.level,
            "maturity_level": "STABLE",
            "error": {"fatal": True, "exceptions": _exceptions(event.error)} if event.error else None,
            "details": orjson.dumps({event.kind: event.details, **own}).decode(),
            "event_type": event.kind,
        }
    )


def totals_in(details: str) -> Progress | None:
    """The totals that an event of `flow_measured` carries in its details; None for another event."""
    totals = orjson.loads(details).get("pitlake", {}).get("totals")
    return Progress.model_validate(totals) if totals is not None else None


def _origin(event: Event, update: Update) -> dict[str, Any]:
    origin = {
        "cloud": "local",
        "pipeline_id": str(update.pipeline_id),
        "pipeline_type": "WORKSPACE",
        "pipeline_name": update.pipeline,
        "update_id": str(update.update_id),
        "table_name": event.table,
        "dataset_name": event.table,
        "sink_name": event.sink,
        "flow_id": event.flow and str(uuid.uuid5(update.pipeline_id, event.flow)),
        "flow_name": event.flow,
        "batch_id": event.batch_id,
    }
    return {name: value for name, value in origin.items() if value is not None}


def _exceptions(error: PitlakeError) -> Sequence[Mapping[str, str | None]]:
    error_class, sql_state = _ERROR_CLASS.search(error.what), _SQL_STATE.search(error.what)
    exception = {
        "class_name": type(error).__name__,
        "message": str(error),
        "error_class": error_class[1] if error_class else None,
        "sql_state": sql_state[1] if sql_state else None,
    }
    return [exception]


def _short(update: Update) -> str:
    return str(update.update_id)[:6]
