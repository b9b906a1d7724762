"""The fence of append tables: landing records reach a lane in order, what is behind the last or already in it is a replay.

The rows of one landing record may come in any order, and in another one when they are replayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pitlake.lake.commits import Fence, Key, KeyPart


@dataclass(frozen=True)
class Admitted:
    """The positions of the rows that are new, the fence after them, and how many rows repeat one of their own batch and epoch."""

    positions: list[int]
    fence: dict[str, Fence]
    repeated: int


def admit(
    fence: Mapping[str, Fence], lanes: Iterable[str], keys: Iterable[tuple[KeyPart, ...]], epochs: Iterable[int | None]
) -> Admitted:
    """Which rows, given by lane, key and epoch in topic order, `fence` has not let pass before.

    A key's first part is its landing record. A row that repeats another of the batch in the same epoch is no replay: the flow
    made its key twice.
    """
    raised: dict[str, _Lane] = {}
    positions, repeated = [], 0
    for position, (name, key, epoch) in enumerate(zip(lanes, keys, epochs, strict=True)):
        lane = raised.get(name)
        if lane is None:
            lane = raised[name] = _Lane.behind(fence.get(name))
        if lane.passes(key[0], key[1:], epoch):
            positions.append(position)
        elif lane.repeats(key[0], key[1:], epoch):
            repeated += 1
    return Admitted(positions, {**fence, **{name: lane.fence() for name, lane in raised.items()}}, repeated)


@dataclass
class _Lane:
    """A lane's last landing record, and the keys stored for it, each with its epoch if it is of this batch."""

    last: KeyPart | None
    stored: dict[Key, int | str | None]

    @classmethod
    def behind(cls, fence: Fence | None) -> _Lane:
        return cls(None, {}) if fence is None else cls(fence.last, dict.fromkeys(fence.stored, _BEFORE))

    def passes(self, landing: KeyPart, key: Key, epoch: int | None) -> bool:
        if self.last is None or landing > self.last:  # type: ignore[operator]  # a column has one type
            self.last, self.stored = landing, {}
        elif landing != self.last or key in self.stored:
            return False
        self.stored[key] = epoch
        return True

    def repeats(self, landing: KeyPart, key: Key, epoch: int | None) -> bool:
        return landing == self.last and self.stored[key] == epoch

    def fence(self) -> Fence:
        assert self.last is not None  # noqa: S101 - a lane is made for a row
        return Fence(last=self.last, stored=frozenset(self.stored))


_BEFORE = "before"
