"""Upsert: per key the row with the highest count; a lower count never replaces a higher one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import pyarrow as pa

from pitlake.lake.commits import CommitNote, Fence
from pitlake.lake.layout import DataFile
from pitlake.lake.log import TableLog
from pitlake.lake.predicates import source, target
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.batches import Batch
from pitlake.lake.writer.coalesce import newest
from pitlake.lake.writer.hot import HotRows
from pitlake.lake.writer.keys import tuples
from pitlake.lake.writer.merging import merge_by_keys
from pitlake.lake.writer.sinks import Prepared


class UpsertSink:
    """By the spec's keys under its count; without a count the later row stands. Hot rows are replaced, others by MERGE.

    `open_from` tells from the table's files from which window on rows are hot.
    """

    def __init__(self, spec: TableSpec, open_from: Callable[[list[DataFile]], datetime]) -> None:
        self._keys, self._count = spec.keys, spec.count
        self._hot = HotRows(spec, self._orders, open_from)

    def prepare(self, batch: Batch, fence: Mapping[str, Fence]) -> Prepared:
        """See `Sink`."""
        keys, orders = list(tuples(batch.rows, self._keys)), self._orders(batch.rows)
        positions = newest(keys, orders)
        is_new = [self._count is None or not self._hot.has(keys[at], orders[at]) for at in positions]
        written = batch.take(positions)
        stored = written.take([at for at, new in enumerate(is_new) if new])
        duplicates, known = len(batch) - len(stored), len(written) - len(stored)
        return Prepared(written.rows, stored, fence, duplicates=duplicates, known=known)

    def write(self, log: TableLog, prepared: Prepared, note: CommitNote, transactions: Mapping[str, int]) -> None:
        """See `Sink`."""
        if not self._hot.write(log, prepared.rows, [False] * prepared.rows.num_rows, note, transactions):
            self._merge(log, prepared.rows, note, transactions)

    def forget(self) -> None:
        """See `Sink`."""
        self._hot.forget()

    def _merge(self, log: TableLog, rows: pa.Table, note: CommitNote, transactions: Mapping[str, int]) -> None:
        self._hot.forget()
        merge = merge_by_keys(log, rows, self._keys, note, transactions)
        merge.when_matched_update_all(self._not_lower()).when_not_matched_insert_all().execute()
        log.follow()

    def _orders(self, rows: pa.Table) -> list[float]:
        if self._count is None:
            return [0] * rows.num_rows
        return [float("-inf") if count is None else count for count in rows.column(self._count).to_pylist()]

    def _not_lower(self) -> str | None:
        return self._count and f"{target(self._count)} IS NULL OR {source(self._count)} >= {target(self._count)}"
