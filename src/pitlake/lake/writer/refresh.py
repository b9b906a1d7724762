"""Refresh: the rows of one refresh become the table, all at once, when the marker that ends it has arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deltalake import write_deltalake

from pitlake.lake.commits import CommitNote, Fence, properties
from pitlake.lake.log import TableLog
from pitlake.lake.writer.batches import Batch
from pitlake.lake.writer.sinks import Prepared
from pitlake.streams.envelope import EPOCH, Marker, marker_of, refresh_of
from pitlake.streams.records import Record


def last_whole(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """The last whole refresh among `records`, which are of one partition in topic order, and the records after the last marker.

    The refresh is its rows and then its marker; no records at all where none has ended, or where rows of each are missing:
    retention may have taken them, or a driver that died never sent them.
    """
    ends = [position for position, record in enumerate(records) if _end(record) is not None]
    unended = list(records[ends[-1] + 1 :]) if ends else list(records)
    whole = (refresh for end in reversed(ends) if (refresh := _refresh(records, end)))
    return next(whole, []), unended


class RefreshSink:
    """All rows in place of those before."""

    def prepare(self, batch: Batch, fence: Mapping[str, Fence]) -> Prepared:
        """See `Sink`."""
        return Prepared(batch.rows, batch, fence)

    def write(self, log: TableLog, prepared: Prepared, note: CommitNote, transactions: Mapping[str, int]) -> None:
        """See `Sink`."""
        write_deltalake(log.table, prepared.rows, mode="overwrite", commit_properties=properties(note, transactions))
        log.follow()

    def forget(self) -> None:
        """See `Sink`; it knows nothing."""


def _refresh(records: Sequence[Record], end: int) -> list[Record]:
    marker = _end(records[end])
    epoch = records[end].headers.get(EPOCH)
    rows = [r for r in records[:end] if marker and _refresh_of(r) == marker.batch_id and r.headers.get(EPOCH) == epoch]
    return [*rows, records[end]] if marker and len(rows) == marker.rows else []


def _end(record: Record) -> Marker | None:
    try:
        return marker_of(record.headers)
    except ValueError:
        return None


def _refresh_of(record: Record) -> int | None:
    try:
        return refresh_of(record.headers)
    except ValueError:
        return None
