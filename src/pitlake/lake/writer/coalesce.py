"""Of several rows with one key in a batch, the one that will stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


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
