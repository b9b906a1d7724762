"""Of several rows with one key in a batch, the one that will stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from pitlake.streams.envelope import count_of, epoch_of
from pitlake.streams.records import Record


class Ordered(Protocol):
    """A value that can be compared with its like."""

    def __ge__(self, other: Any, /) -> bool: ...


def newest(keys: Iterable[tuple[object, ...]], orders: Iterable[Ordered]) -> list[int]:
    """Positions, ascending, of the row with the highest order of each key; of equals the later one."""
    winners: dict[tuple[object, ...], tuple[int, Ordered]] = {}
    for position, (key, order) in enumerate(zip(keys, orders, strict=True)):
        standing = winners.get(key)
        if standing is None or order >= standing[1]:
            winners[key] = (position, order)
    return sorted(position for position, _ in winners.values())


def not_overtaken(records: Sequence[Record]) -> list[Record]:
    """`records`, in order, without those that another one of their key overtakes by the counts that headers tell.

    A record without a count stays: nothing is known of it before its row is read. Counts of two epochs are not compared: a
    pipeline that was changed meanwhile may count something else.
    """
    counts = {at: count for at, record in enumerate(records) if (count := count_of(record.headers)) is not None}
    counted = list(counts)
    standing = {
        counted[each] for each in newest(((records[at].key, epoch_of(records[at].headers)) for at in counted), counts.values())
    }
    return [record for at, record in enumerate(records) if at not in counts or at in standing]
