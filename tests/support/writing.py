"""Small plain data for the writer's tests: a clock set by hand, a spec per way into a table, records, what a table holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from deltalake import DeltaTable

from pitlake.lake.names import TableName
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.lake.writer.table import TableWriter
from pitlake.streams.records import Record

START = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, time: datetime = START) -> None:
        self.time = time

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


def append_spec(**changes: Any) -> TableSpec:
    """Rows of (landing_id, batch_index, value), each once."""
    columns = (
        Column(name="landing_id", type="STRING", nullable=False),
        Column(name="batch_index", type="INT", nullable=False),
        Column(name="value", type="DOUBLE"),
    )
    spec = TableSpec(
        name="c.s.silver",
        topic="silver",
        mode=WriteMode.APPEND,
        columns=columns,
        keys=("landing_id", "batch_index"),
        commit_interval_ms=50,
    )
    return spec.model_copy(update=changes)


def upsert_spec(**changes: Any) -> TableSpec:
    """Readings counted per window and machine."""
    columns = (
        Column(name="window_start", type="TIMESTAMP", nullable=False),
        Column(name="machine", type="STRING"),
        Column(name="readings", type="BIGINT"),
        Column(name="mean", type="DOUBLE"),
    )
    spec = TableSpec(
        name="c.s.gold",
        topic="gold",
        mode=WriteMode.UPSERT,
        columns=columns,
        keys=("window_start", "machine"),
        count="readings",
        window="window_start",
        commit_interval_ms=50,
    )
    return spec.model_copy(update=changes)


def cdc_spec(**changes: Any) -> TableSpec:
    """The latest value per machine, by time and then by number."""
    columns = (
        Column(name="machine", type="STRING"),
        Column(name="at", type="TIMESTAMP"),
        Column(name="number", type="BIGINT"),
        Column(name="value", type="STRING"),
    )
    spec = TableSpec(
        name="c.s.status",
        topic="status",
        mode=WriteMode.CDC,
        columns=columns,
        keys=("machine",),
        sequence=("at", "number"),
        commit_interval_ms=50,
    )
    return spec.model_copy(update=changes)


def stamp(moment: datetime) -> str:
    """A timestamp as the envelope spells it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def record(
    offset: int,
    row: dict[str, Any] | bytes | None,
    *,
    partition: int = 0,
    key: str = "flow/00000",
    at: datetime = START,
    **headers: bytes,
) -> Record:
    """One record whose value is `row` as JSON, or as it is."""
    value = json.dumps(row).encode() if isinstance(row, dict) else row
    return Record(partition, offset, int(at.timestamp() * 1000), key.encode(), value, headers)


def landing(number: int, batch_index: int = 0, value: float = 1.0) -> dict[str, Any]:
    """A row of `append_spec`."""
    return {"landing_id": f"00000-{number:019d}", "batch_index": batch_index, "value": value}


def reading(machine: str | None, readings: int | None, *, minute: int = 0) -> dict[str, Any]:
    """A row of `upsert_spec`, in the window that many minutes after the start."""
    return {"window_start": stamp(START + timedelta(minutes=minute)), "machine": machine, "readings": readings, "mean": 1.0}


def status(machine: str, second: int | None, number: int | None = 0, value: str = "") -> dict[str, Any]:
    """A row of `cdc_spec`, that many seconds after the start."""
    return {
        "machine": machine,
        "at": None if second is None else stamp(START + timedelta(seconds=second)),
        "number": number,
        "value": value,
    }


def open_writer(
    lake: object, spec: TableSpec, *, clock: Clock | None = None, writer: str = "this", partitions: tuple[int, ...] = (0,)
) -> TableWriter:
    """The writer of one table, from where the table stands."""
    return TableWriter(spec, str(lake), partitions, writer=writer, now=clock or Clock())


def delta(lake: object, spec: TableSpec) -> DeltaTable:
    """The spec's Delta table."""
    return DeltaTable(TableName.parse(spec.name).path(str(lake)))


def stored(lake: object, spec: TableSpec) -> list[dict[str, Any]]:
    """All rows of the spec's table, in the order of their keys."""
    rows = delta(lake, spec).to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: [(row[key] is not None, row[key]) for key in spec.keys])
