"""Upsert: per key the row with the highest count; a lower count never replaces a higher one."""

from __future__ import annotations

from collections.abc import Mapping

from deltalake import CommitProperties, DeltaTable

from pitlake.lake.commits import Fence
from pitlake.lake.predicates import SOURCE, TARGET, join_condition, source, target
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.batches import Batch
from pitlake.lake.writer.coalesce import newest
from pitlake.lake.writer.keys import tuples
from pitlake.lake.writer.sinks import Prepared


class UpsertSink:
    """MERGE by the spec's keys under its count; without a count the later row stands."""

    def __init__(self, spec: TableSpec) -> None:
        self._keys, self._count = spec.keys, spec.count

    def prepare(self, batch: Batch, fence: Mapping[str, Fence]) -> Prepared:
        """See `Sink`."""
        stored = batch.take(newest(tuples(batch.rows, self._keys), self._orders(batch)))
        return Prepared(stored.rows, stored, fence, duplicates=len(batch) - len(stored))

    def write(self, table: DeltaTable, prepared: Prepared, properties: CommitProperties, offsets: Mapping[str, int]) -> None:  # noqa: ARG002 - see Sink
        """See `Sink`."""
        merge = table.merge(
            prepared.rows,
            join_condition(prepared.rows, self._keys),
            source_alias=SOURCE,
            target_alias=TARGET,
            commit_properties=properties,
        )
        merge.when_matched_update_all(self._not_lower()).when_not_matched_insert_all().execute()

    def _orders(self, batch: Batch) -> list[float]:
        if self._count is None:
            return [0] * len(batch)
        return [float("-inf") if count is None else count for count in batch.rows.column(self._count).to_pylist()]

    def _not_lower(self) -> str | None:
        return self._count and f"{target(self._count)} IS NULL OR {source(self._count)} >= {target(self._count)}"
