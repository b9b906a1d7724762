"""Change data capture, SCD type 1: per key the row of the highest sequence stands, a delete being a row that is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pitlake.lake.commits import CommitNote, Fence
from pitlake.lake.log import TableLog
from pitlake.lake.predicates import not_older, quoted, source, target
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.batches import Batch
from pitlake.lake.writer.coalesce import newest
from pitlake.lake.writer.hot import HotRows
from pitlake.lake.writer.keys import tuples
from pitlake.lake.writer.merging import merge_by_keys
from pitlake.lake.writer.sinks import Prepared
from pitlake.lake.writer.tombstones import Tombstones
from pitlake.streams.envelope import is_delete

_DELETE = "__pitlake_delete"


class CdcSink:
    """By the spec's keys under its sequence, tombstones first; equal sequences are settled by the later record.

    While the table is small it is hot as a whole; then its rows are replaced by MERGE.
    """

    def __init__(self, spec: TableSpec, tombstones: Tombstones, now: Callable[[], datetime]) -> None:
        self._keys, self._sequence = spec.keys, spec.sequence
        self._columns = [column.name for column in spec.columns]
        self._tombstones, self._now = tombstones, now
        self._hot = HotRows(spec, self._orders, None)

    def prepare(self, batch: Batch, fence: Mapping[str, Fence]) -> Prepared:
        """See `Sink`."""
        sequences = list(tuples(batch.rows, self._sequence))
        sequenced = [position for position, sequence in enumerate(sequences) if None not in sequence]
        candidates = batch.take(sequenced)
        latest = candidates.take(self._standing(candidates, [sequences[position] for position in sequenced]))
        deletes = [is_delete(record.headers) for record in latest.records]
        return Prepared(
            latest.rows.append_column(_DELETE, pa.array(deletes, pa.bool_())),
            latest.take([position for position, delete in enumerate(deletes) if not delete]),
            fence,
            duplicates=len(candidates) - len(latest),
            unsequenced=len(batch) - len(candidates),
        )

    def write(self, log: TableLog, prepared: Prepared, note: CommitNote, transactions: Mapping[str, int]) -> None:
        """See `Sink`."""
        rows = prepared.rows
        deleted = rows.filter(rows.column(_DELETE))
        if deleted.num_rows:
            self._tombstones.bury(deleted, self._now(), transactions)
        deletes = rows.column(_DELETE).to_pylist()
        if not self._hot.write(log, rows.drop_columns([_DELETE]), deletes, note, transactions):
            self._merge(log, rows, note, transactions)

    def forget(self) -> None:
        """See `Sink`."""
        self._hot.forget()

    def _standing(self, batch: Batch, sequences: Sequence[tuple[Any, ...]]) -> list[int]:
        keys = list(tuples(batch.rows, self._keys))
        return [position for position in newest(keys, sequences) if self._outlives(keys[position], sequences[position])]

    def _outlives(self, key: tuple[Any, ...], sequence: tuple[Any, ...]) -> bool:
        buried = self._tombstones.sequence_of(key)
        return buried is None or sequence >= buried

    def _orders(self, rows: pa.Table) -> list[tuple[tuple[bool, Any], ...]]:
        """The rows' sequences, NULL being the lowest of each part."""
        return [tuple((part is not None, part) for part in sequence) for sequence in tuples(rows, self._sequence)]

    def _merge(self, log: TableLog, rows: pa.Table, note: CommitNote, transactions: Mapping[str, int]) -> None:
        self._hot.forget()
        columns = {quoted(name): source(name) for name in self._columns}
        merge = merge_by_keys(log, rows, self._keys, note, transactions)
        if pc.any(rows.column(_DELETE)).as_py():
            merge = merge.when_matched_delete(f"{source(_DELETE)} AND {self._not_older()}")
        merge = merge.when_matched_update(columns, f"NOT {source(_DELETE)} AND {self._not_older()}")
        merge.when_not_matched_insert(columns, f"NOT {source(_DELETE)}").execute()
        log.follow()

    def _not_older(self) -> str:
        return f"({target(self._sequence[0])} IS NULL OR {not_older(self._sequence)})"
