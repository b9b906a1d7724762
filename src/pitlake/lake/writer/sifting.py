"""Before rows are read: what their headers say. Records of an older epoch are void, markers are no rows, the rest are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pitlake.lake.writer.batches import Rejection
from pitlake.streams.envelope import count_of, epoch_of, failed_of, marker_of
from pitlake.streams.records import Record


@dataclass
class Sifted:
    """Records by what they are; `epochs` is the standing after them, `void` the epochs of the void ones."""

    epochs: dict[int, int]
    rows: list[Record] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    void: list[int] = field(default_factory=list)


def sift(records: Iterable[Record], epochs: Mapping[int, int]) -> Sifted:
    """Sort `records`, in topic order, by their headers; one whose headers cannot be read is rejected."""
    sifted = Sifted(dict(epochs))
    for record in records:
        try:
            _place(record, sifted)
        except ValueError as fault:
            sifted.rejected.append(Rejection(record, f"its headers cannot be read: {str(fault).splitlines()[0]}"))
    return sifted


def _place(record: Record, sifted: Sifted) -> None:
    epoch, marker = epoch_of(record.headers), marker_of(record.headers)
    failed_of(record.headers)
    count_of(record.headers)
    if epoch is not None and epoch < sifted.epochs.get(record.partition, epoch):
        sifted.void.append(epoch)
        return
    if epoch is not None:
        sifted.epochs[record.partition] = epoch
    if marker is None:
        sifted.rows.append(record)
