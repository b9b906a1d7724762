"""Records into rows: a batch in the table's declared types, and apart from it the records that fit no row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pitlake.lake.schemas import arrow_schema
from pitlake.lake.spec import TableSpec, WriteMode
from pitlake.lake.writer import arrow_json
from pitlake.lake.writer.values import parse_row, value_of
from pitlake.streams.records import Record


@dataclass(frozen=True)
class Batch:
    """Rows in the table's types, and the record of each."""

    rows: pa.Table
    records: Sequence[Record]

    def __len__(self) -> int:
        return len(self.records)

    def take(self, positions: Sequence[int]) -> Batch:
        """The rows at `positions`."""
        if len(positions) == len(self):
            return self
        return Batch(self.rows.take(pa.array(positions, pa.int64())), [self.records[position] for position in positions])


@dataclass(frozen=True)
class Rejection:
    """A record that is no row of the table, and why."""

    record: Record
    reason: str


@dataclass(frozen=True)
class Layout:
    """How a table's records are read: all columns, those that travel in the record, and those that a row must fill."""

    schema: pa.Schema
    travelling: pa.Schema
    required: tuple[str, ...]
    stamped: tuple[str, ...]
    exact_in_arrow: bool

    @classmethod
    def of(cls, spec: TableSpec) -> Layout:
        """The layout of the spec's table. Keys of an append table are required even if declared nullable: NULL has no order."""
        schema = arrow_schema(spec)
        travelling = pa.schema([field for field in schema if field.name not in spec.processed_at])
        ordered = spec.keys if spec.mode is WriteMode.APPEND else ()
        required = tuple(field.name for field in travelling if not field.nullable or field.name in ordered)
        return cls(schema, travelling, required, spec.processed_at, arrow_json.can_read(travelling))


def read_batch(records: Sequence[Record], layout: Layout) -> tuple[Batch, list[Rejection]]:
    """The rows that `records` hold, in order, and the records that hold none.

    All at once where every record fits; else one by one, so that a bad record costs only itself.
    """
    try:
        rows, kept, rejected = _read_together(records, layout), records, list[Rejection]()
    except (ValueError, NotImplementedError):
        rows, kept, rejected = _read_singly(records, layout)
    return Batch(_stamped(rows, kept, layout), kept), rejected


def _read_together(records: Sequence[Record], layout: Layout) -> pa.Table:
    if not layout.exact_in_arrow or not records:
        raise ValueError("not for Arrow's reader")
    rows = arrow_json.read_rows([record.value or b"" for record in records], layout.travelling)
    if any(rows.column(name).null_count for name in layout.required):
        raise ValueError("a required column is NULL")
    return rows


def _read_singly(records: Sequence[Record], layout: Layout) -> tuple[pa.Table, list[Record], list[Rejection]]:
    rows, kept, rejected = [], [], []
    for record in records:
        try:
            rows.append(_row(record, layout))
            kept.append(record)
        except (ValueError, ArithmeticError) as fault:
            rejected.append(Rejection(record, str(fault)))
    columns = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(layout.travelling)]
    return pa.table(columns, names=layout.travelling.names), kept, rejected


def _row(record: Record, layout: Layout) -> tuple[object, ...]:
    fields = parse_row(record.value or b"")
    return tuple(_cell(fields.get(field.name), field, required=field.name in layout.required) for field in layout.travelling)


def _cell(value: object, field: pa.Field, *, required: bool) -> object:
    try:
        cell = value_of(value, field.type)
    except (ValueError, ArithmeticError) as fault:
        raise ValueError(f"{field.name}: {fault}") from fault
    if cell is None and required:
        raise ValueError(f"{field.name} is NULL")
    return cell


def _stamped(rows: pa.Table, records: Sequence[Record], layout: Layout) -> pa.Table:
    """`rows` with every declared column, processing times being the records' own."""
    times = pc.cast(pa.array([record.timestamp for record in records], pa.timestamp("ms", "UTC")), pa.timestamp("us", "UTC"))
    columns = [times.cast(field.type) if field.name in layout.stamped else rows.column(field.name) for field in layout.schema]
    return pa.table(columns, schema=layout.schema)
