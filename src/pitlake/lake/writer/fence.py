"""The fence of append tables: rows of a lane come in ascending key order, what is not above the last is a replay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pitlake.lake.commits import KeyPart

Key = tuple[KeyPart, ...]


@dataclass(frozen=True)
class Admitted:
    """The positions of the rows that are new, and the fence after them."""

    positions: list[int]
    fence: dict[str, Key]


def admit(fence: Mapping[str, Key], lanes: Iterable[str], keys: Iterable[Key]) -> Admitted:
    """Which rows, given by lane and key in topic order, lie above `fence`; each admitted row raises its lane's fence."""
    raised = dict(fence)
    positions = []
    for position, (lane, key) in enumerate(zip(lanes, keys, strict=True)):
        last = raised.get(lane)
        if last is None or key > last:
            raised[lane] = key
            positions.append(position)
    return Admitted(positions, raised)
