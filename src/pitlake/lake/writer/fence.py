"""The fence of append tables: what is behind a lane's last landing record, or already in it, has come before.

Each query of a flow sends a lane's landing records in order and leaves none out, a replay beginning where it had been, so none is
new that is behind another. The rows of one landing record may come in any order, and in another one when they come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pitlake.lake.commits import Fence, Key, KeyPart


@dataclass(frozen=True)
class Admitted:
    """The positions of the rows that are new, the fence after them, and how many repeat one of their own batch and origin."""

    positions: list[int]
    fence: dict[str, Fence]
    repeated: int


def admit(
    fence: Mapping[str, Fence], lanes: Iterable[str], keys: Iterable[tuple[KeyPart, ...]], origins: Iterable[object]
) -> Admitted:
    """Which rows, given by lane, key and origin in topic order, `fence` has not let pass before.

    A key's first part is its landing record. Rows of one origin were made one after the other: a row that repeats another of the
    batch and of its origin is no replay, its key was made twice.
    """
    raised: dict[str, _Lane] = {}
    positions, repeated = [], 0
    for position, (name, key, origin) in enumerate(zip(lanes, keys, origins, strict=True)):
        lane = raised.get(name)
        if lane is None:
            lane = raised[name] = _Lane.behind(fence.get(name))
        if lane.passes(key[0], key[1:], origin):
            positions.append(position)
        elif lane.repeats(key[0], key[1:], origin):
            repeated += 1
    return Admitted(positions, {**fence, **{name: lane.fence() for name, lane in raised.items()}}, repeated)


@dataclass
class _Lane:
    """A lane's last landing record, and the keys stored for it, each with its origin if it is of this batch."""

    last: KeyPart | None
    stored: dict[Key, object]

    @classmethod
    def behind(cls, fence: Fence | None) -> _Lane:
        return cls(None, {}) if fence is None else cls(fence.last, dict.fromkeys(fence.stored, _BEFORE))

    def passes(self, landing: KeyPart, key: Key, origin: object) -> bool:
        if self.last is None or landing > self.last:  # type: ignore[operator]  # a column has one type
            self.last, self.stored = landing, {}
        elif landing != self.last or key in self.stored:
            return False
        self.stored[key] = origin
        return True

    def repeats(self, landing: KeyPart, key: Key, origin: object) -> bool:
        return landing == self.last and self.stored[key] == origin

    def fence(self) -> Fence:
        assert self.last is not None  # noqa: S101 - a lane is made for a row
        return Fence(last=self.last, stored=frozenset(self.stored))


_BEFORE = "before"
