"""Before rows are read: what their headers say. Records of an older epoch are void, markers are notes, the rest are rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pitlake.lake.commits import LandingOffsets
from pitlake.lake.writer.batches import Rejection
from pitlake.streams.envelope import Marker, epoch_of, failed_of, marker_of
from pitlake.streams.records import Record


@dataclass
class Sifted:
    """Records by what they are; `epochs` and `markers` are the standing after them."""

    epochs: dict[int, int]
    markers: dict[int, dict[str, Marker]]
    rows: list[Record] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    void: int = 0


def sift(records: Iterable[Record], epochs: Mapping[int, int], markers: Mapping[int, Mapping[str, Marker]]) -> Sifted:
    """Sort `records`, in topic order, by their headers; one whose headers cannot be read is rejected."""
    sifted = Sifted(dict(epochs), {partition: dict(flows) for partition, flows in markers.items()})
    for record in records:
        try:
            _place(record, sifted)
        except ValueError as fault:
            sifted.rejected.append(Rejection(record, f"its headers cannot be read: {str(fault).splitlines()[0]}"))
    return sifted


def _place(record: Record, sifted: Sifted) -> None:
    epoch, marker = epoch_of(record.headers), marker_of(record.headers)
    failed_of(record.headers)
    if epoch is not None and epoch < sifted.epochs.get(record.partition, epoch):
        sifted.void += 1
        return
    if epoch is not None:
        sifted.epochs[record.partition] = epoch
    if marker is not None:
        sifted.markers.setdefault(record.partition, {})[marker.flow] = marker
    else:
        sifted.rows.append(record)


def landing_offsets(markers: Mapping[int, Mapping[str, Marker]], partitions: Iterable[int]) -> LandingOffsets:
    """Flow, topic, partition → the landing offset below which the table misses nothing.

    A marker speaks for the records before it in its own partition; what holds for the table is the lowest over all partitions.
    """
    everywhere = [markers.get(partition, {}) for partition in partitions]
    flows = set.intersection(*(set(flows) for flows in everywhere)) if everywhere else set()
    return {flow: _lowest([flows[flow].offsets for flows in everywhere]) for flow in sorted(flows)}


def _lowest(offsets: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    return {
        topic: {partition: min(each.get(topic, {}).get(partition, 0) for each in offsets) for partition in sorted(partitions)}
        for topic, partitions in offsets[0].items()
    }
