"""Of several rows with one key in a batch, the one that will stand; of two that say the same, the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from pitlake.streams.envelope import count_of, epoch_of, is_of_replica
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
    counts = [count_of(record.headers) for record in records]
    keys = [
        (at,) if count is None else (record.key, epoch_of(record.headers))
        for at, (record, count) in enumerate(zip(records, counts, strict=True))
    ]
    return [records[at] for at in newest(keys, [count or 0 for count in counts])]


def said_once(records: Sequence[Record]) -> list[Record]:
    """`records`, in order, without those that say, word for word, what the other query of a replicated flow has said before."""
    origins = [is_of_replica(record.headers) for record in records]
    if not any(origins):
        return list(records)
    first: dict[tuple[object, ...], bool] = {}
    said = ((record.key, record.value, epoch_of(record.headers)) for record in records)
    return [
        record for record, origin, words in zip(records, origins, said, strict=True) if first.setdefault(words, origin) == origin
    ]
