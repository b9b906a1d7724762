"""Tombstones of a CDC table: which keys were removed, by which sequence, so that an older event cannot bring them back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pitlake.lake.names import TableName
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.keys import tuples
from pitlake.lake.writer.sidecar import Sidecar

KEPT = timedelta(days=2)
_DELETED_AT = "__deleted_at"

Tuple = tuple[Any, ...]


def tombstones_path(lake: str, table: TableName) -> str:
    """Where a table's tombstones lie."""
    return table.path(f"{lake.rstrip('/')}/_tombstones")


class Tombstones:
    """The tombstones of one table, in memory and in a sidecar. One thread at a time."""

    def __init__(self, lake: str, spec: TableSpec, schema: pa.Schema) -> None:
        self._keys, self._sequence = spec.keys, spec.sequence
        names = dict.fromkeys((*spec.keys, *spec.sequence))
        fields = [pa.field(name, schema.field(name).type) for name in names]
        self._schema = pa.schema([*fields, pa.field(_DELETED_AT, pa.timestamp("us", "UTC"), nullable=False)])
        self._sidecar = Sidecar(tombstones_path(lake, TableName.parse(spec.name)), self._schema)
        self._sequences: dict[Tuple, Tuple] = {}
        self._remember(self._sidecar.rows())

    def __len__(self) -> int:
        return len(self._sequences)

    def sequence_of(self, key: Tuple) -> Tuple | None:
        """The sequence by which `key` was removed last, or None."""
        return self._sequences.get(key)

    def bury(self, rows: pa.Table, at: datetime, offsets: Mapping[str, int]) -> None:
        """Remember the keys and sequences of `rows`, removed `at`, and make them durable."""
        times = pa.array([at] * rows.num_rows, pa.timestamp("us", "UTC"))
        stones = pa.table([*(rows.column(name) for name in self._schema.names[:-1]), times], schema=self._schema)
        self._sidecar.append(stones, offsets)
        self._remember(stones)

    def tidy(self) -> None:
        """Keep the sidecar's files few."""
        self._sidecar.tidy()

    def forget(self, now: datetime) -> None:
        """Drop the tombstones older than `KEPT`, and the overtaken ones, from memory and sidecar; `now` is in UTC."""
        rows = self._sidecar.rows()
        recent = rows.filter(pc.greater(rows.column(_DELETED_AT), pa.scalar(now - KEPT, pa.timestamp("us", "UTC"))))
        self._sequences.clear()
        self._remember(recent)
        self._sidecar.replace(recent.filter(self._standing(recent)))

    def _remember(self, rows: pa.Table) -> None:
        for key, sequence in zip(tuples(rows, self._keys), tuples(rows, self._sequence), strict=True):
            last = self._sequences.get(key)
            if last is None or sequence >= last:
                self._sequences[key] = sequence

    def _standing(self, rows: pa.Table) -> pa.Array:
        pairs = zip(tuples(rows, self._keys), tuples(rows, self._sequence), strict=True)
        return pa.array([self._sequences[key] == sequence for key, sequence in pairs], pa.bool_())
