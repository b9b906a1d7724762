"""Append: every row once, by the fence of its lane."""

from __future__ import annotations

from collections.abc import Mapping

from pitlake.lake.commits import CommitNote, Fence
from pitlake.lake.log import TableLog
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.batches import Batch
from pitlake.lake.writer.fence import admit
from pitlake.lake.writer.keys import tuples
from pitlake.lake.writer.sinks import Prepared
from pitlake.streams.envelope import epoch_of, is_of_replica
from pitlake.streams.records import Record


class AppendSink:
    """Rows that their lane's fence lets pass; all rows where the table has no keys."""

    def __init__(self, spec: TableSpec) -> None:
        self._keys = spec.keys

    def prepare(self, batch: Batch, fence: Mapping[str, Fence]) -> Prepared:
        """See `Sink`."""
        if not self._keys:
            return Prepared(batch.rows, batch, fence)
        lanes = ((record.key or b"").decode(errors="backslashreplace") for record in batch.records)
        admitted = admit(fence, lanes, tuples(batch.rows, self._keys), map(_origin, batch.records))
        stored = batch.take(admitted.positions)
        duplicates = len(batch) - len(stored)
        return Prepared(stored.rows, stored, admitted.fence, duplicates=duplicates, repeated=admitted.repeated)

    def write(self, log: TableLog, prepared: Prepared, note: CommitNote, transactions: Mapping[str, int]) -> None:
        """See `Sink`."""
        log.commit(log.write(prepared.rows), [], note, transactions)

    def forget(self) -> None:
        """See `Sink`; it knows nothing."""


def _origin(record: Record) -> object:
    """The run that made a row, by its epoch.

    A replica may begin anew within one, so each of its rows is an origin of its own: of a key that is made twice nothing is told
    where the replica was ahead.
    """
    return record if is_of_replica(record.headers) else epoch_of(record.headers)
