"""What must be in the result, and how late it was: one-minute windows per machine and sensor, recomputed from the messages sent.

A row of the result says how many readings are in it. The k-th reading of its machine and sensor in that minute was therefore seen
when the count first reached k. That is so for every engine, whether it emits a row per reading or one for many.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.freshness import MINUTE_US, Row
from pitlake.mining.simulator.messages import Message

RELATIVE_ERROR = 1e-6
"""Of average and deviation. Some engines compute the deviation from a sum of squares, which costs that many digits."""


@dataclass(frozen=True)
class Sighting:
    """When (unix seconds) a reader saw a row whose count had grown, and to what."""

    at: float
    row: Row
    count: int


@dataclass(frozen=True)
class Window:
    """What a row of the result says of its readings."""

    count: int
    average: float
    least: float
    most: float
    deviation: float | None

    def differs_from(self, other: Window) -> bool:
        """Whether the two are not of the same readings."""
        exact = (self.count, self.least, self.most) == (other.count, other.least, other.most)
        return not exact or not _is_close(self.average, other.average) or not _is_close(self.deviation, other.deviation)


Readings = Mapping[Row, Sequence[tuple[float, float]]]
"""Per row of the result its readings in the order sent, each as event time (unix seconds) and value."""


def expected_readings(messages: Iterable[Message]) -> Readings:
    """The numeric readings of the messages by the row in which they must be counted."""
    rows: dict[Row, list[tuple[float, float]]] = defaultdict(list)
    for message in messages:
        for reading in message.readings:
            if isinstance(reading.value, str):
                continue
            event = reading.event_timestamp.timestamp()
            minute = int(event) // 60 * MINUTE_US
            rows[minute, reading.equipment_id, reading.sensor_name].append((event, float(reading.value)))
    return rows


def window_of(values: Sequence[float]) -> Window:
    """The row that the values must give; a single value has no deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return Window(len(values), math.fsum(values) / len(values), min(values), max(values), deviation)


def differences(readings: Readings, stored: Mapping[Row, Window]) -> list[str]:
    """The rows that differ from what was sent, each as a line of text."""
    expected = {row: window_of([value for _, value in values]) for row, values in readings.items()}
    return [
        f"{row}: expected {expected.get(row)}, stored {stored.get(row)}"
        for row in sorted(expected.keys() | stored.keys())
        if (sent := expected.get(row)) is None or (kept := stored.get(row)) is None or sent.differs_from(kept)
    ]


def latencies(sightings: Iterable[Sighting], readings: Readings, unseen_at: float) -> Iterator[tuple[float, float]]:
    """Event time and seconds until it was seen, of every reading; one that nobody saw counts as seen at `unseen_at`."""
    seen: dict[Row, int] = defaultdict(int)
    for sighting in sightings:
        known = readings.get(sighting.row, ())
        for event, _ in known[seen[sighting.row] : sighting.count]:
            yield event, sighting.at - event
        seen[sighting.row] = max(seen[sighting.row], sighting.count)
    for row, known in readings.items():
        for event, _ in known[seen[row] :]:
            yield event, unseen_at - event


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        # One reading deviates by nothing: some engines say NULL, some zero.
        return (one or 0.0) == (other or 0.0)
    return abs(one - other) <= RELATIVE_ERROR * max(1.0, abs(one), abs(other))
