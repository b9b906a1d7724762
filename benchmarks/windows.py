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
from typing import NamedTuple

from benchmarks.percentiles import milliseconds, summary
from pitlake.mining.simulator.messages import Message

Row = tuple[int, str, str]
"""Window start (µs since the epoch), equipment_id, sensor_name."""

MINUTE_US = 60_000_000
RELATIVE_ERROR = 1e-6
"""Of average and deviation. Some engines compute the deviation from a sum of squares, which costs that many digits."""


@dataclass(frozen=True, slots=True)
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

    def lacks_readings_of(self, other: Window) -> bool:
        """Whether this may be the other with some of its readings yet to come."""
        lies_within = other.least <= self.least <= self.most <= other.most
        nearest = min(max(self.average, self.least), self.most)
        return self.count < other.count and lies_within and _is_close(self.average, nearest)


class Delay(NamedTuple):
    """How late a reading of event time `event` (unix seconds) was seen; at least so late when it was not."""

    event: float
    seconds: float
    was_seen: bool


@dataclass(frozen=True)
class Differences:
    """The rows that differ from what was sent, each as a line of text.

    `unfinished` lack readings, or are not there at all; `wrong` say what no part of the readings gives.
    """

    wrong: Sequence[str] = ()
    unfinished: Sequence[str] = ()


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


def differences(readings: Readings, stored: Mapping[Row, Window]) -> Differences:
    """How the stored rows differ from what was sent."""
    expected = {row: window_of([value for _, value in values]) for row, values in readings.items()}
    wrong, unfinished = [], []
    for row in sorted(expected.keys() | stored.keys()):
        sent, kept = expected.get(row), stored.get(row)
        line = f"{row}: expected {sent}, stored {kept}"
        if sent and (kept is None or kept.lacks_readings_of(sent)):
            unfinished.append(line)
        elif sent is None or kept is None or sent.differs_from(kept):
            wrong.append(line)
    return Differences(wrong, unfinished)


def latencies(sightings: Iterable[Sighting], readings: Readings, unseen_at: float) -> Iterator[Delay]:
    """How late every reading was seen; one that nobody had seen at `unseen_at` (unix seconds) is as late as if seen then."""
    seen: dict[Row, int] = defaultdict(int)
    for sighting in sightings:
        if sighting.at > unseen_at:
            break
        known = readings.get(sighting.row, ())
        for event, _ in known[seen[sighting.row] : sighting.count]:
            yield Delay(event, sighting.at - event, was_seen=True)
        seen[sighting.row] = max(seen[sighting.row], sighting.count)
    for row, known in readings.items():
        for event, _ in known[seen[row] :]:
            yield Delay(event, unseen_at - event, was_seen=False)


def sink_summary(delays: Iterable[Delay]) -> dict[str, float]:
    """The figures of a sink in milliseconds, and how many of its readings were never seen. Raises ValueError for no readings.

    Of unseen ones `unseen_from_ms` is the lowest latency that they are given: what is lower is known, what is not is a bound.
    """
    counted = list(delays)
    unseen = [delay.seconds for delay in counted if not delay.was_seen]
    figures = {**summary(delay.seconds for delay in counted), "unseen": len(unseen)}
    return {**figures, "unseen_from_ms": milliseconds(min(unseen))} if unseen else figures


def _is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        # One reading deviates by nothing: some engines say NULL, some zero.
        return (one or 0.0) == (other or 0.0)
    return abs(one - other) <= RELATIVE_ERROR * max(1.0, abs(one), abs(other))
