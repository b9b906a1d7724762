"""Faults that the simulator plays, each with a label that says when and where, so that their detection can be scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pitlake.mining.simulator.machines import feed_rate
from pitlake.mining.simulator.messages import Value, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    Tags = Mapping[str, Value]


class StoryName(StrEnum):
    """The fault stories that can be played."""

    BEARING_WEAR = "bearing-wear"
    COOLING_LOSS = "cooling-loss"
    BELT_DRIFT = "belt-drift"
    FLAT_LINE = "flat-line"
    DROP_OUT = "drop-out"
    CLOCK_SKEW = "clock-skew"
    DUPLICATES = "duplicates"
    BAD_PAYLOADS = "bad-payloads"


@dataclass(frozen=True)
class Story:
    """What goes wrong on one machine, or at the gateway `source`, for how long, and what the machine's sensors show.

    `distort` makes of the tags of a healthy machine those of the faulty one, a number of seconds into the story. With
    `reports_unchanged`, the sensors of the story send their value at every tick, changed or not. What goes wrong on the way from
    machine to topic is in `transport`.
    """

    name: StoryName
    equipment_id: str | None
    sensors: tuple[str, ...]
    duration: timedelta
    distort: Callable[[Tags, float], dict[str, Value]]
    reports_unchanged: bool = False
    source: str | None = None


@dataclass(frozen=True)
class PlayedStory:
    """A story with the time at which it begins, UTC."""

    story: Story
    begins: datetime

    @property
    def ends(self) -> datetime:
        """When the machine is repaired, UTC; when it is back in coverage, and begins to upload."""
        return self.begins + self.story.duration

    def is_on(self, moment: datetime) -> bool:
        """Whether the fault shows at that moment."""
        return self.begins <= moment < self.ends

    def distorted(self, tags: Tags, moment: datetime) -> dict[str, Value]:
        """The tags that the faulty machine shows."""
        return {**tags, **self.story.distort(tags, (moment - self.begins).total_seconds())}

    def labels(self) -> Iterator[dict[str, Any]]:
        """One label per sensor of the story; a story of no sensor has one, of its machine, its gateway, or of neither."""
        for sensor in self.story.sensors or (None,):
            yield {
                "story": self.story.name,
                "machine": self.story.equipment_id,
                "sensor": sensor,
                "source": self.story.source,
                "from": iso(self.begins),
                "to": iso(self.ends),
            }


def _number(tags: Tags, name: str) -> float:
    return float(tags[name])


def _part(elapsed: float, whole: timedelta) -> float:
    return min(1.0, elapsed / whole.total_seconds())


_WEAR = timedelta(minutes=10)
_HIGH_MM_S, _SEVERE_MM_S, _CRITICAL_MM_S = 40.0, 50.0, 60.0


def bearing_wear(tags: Tags, elapsed: float) -> dict[str, Value]:
    """Vibration climbs from 20 to 60 mm/s in ten minutes, then swings between 55 and 65; the motor warms, output falls."""
    worn = _part(elapsed, _WEAR)
    trend = 20 + 40 * worn
    noise = _number(tags, "Vibration_MM_S") - 20
    is_fault = worn >= 1
    swing = 4 * math.sin(2 * math.pi * elapsed / 30) if is_fault else 0.0
    status = "FAULT" if is_fault else "DEGRADED" if trend >= _HIGH_MM_S else "RUNNING"
    throughput = float(round(_number(tags, "Throughput_TPH") * _kept_throughput(trend)))
    return {
        "Status": status,
        "Vibration_MM_S": round(trend + swing + noise * (1 - worn / 2), 2),
        "Motor_Temp_C": round(_number(tags, "Motor_Temp_C") + 30 * worn, 2),
        "Motor_Current_A": round(_number(tags, "Motor_Current_A") + 50 * worn, 1),
        "Throughput_TPH": throughput,
        "Feed_Rate_TPH": feed_rate(throughput),
    }


def _kept_throughput(vibration: float) -> float:
    if vibration >= _CRITICAL_MM_S:
        return 0.5
    if vibration >= _SEVERE_MM_S:
        return 0.75
    return 0.9 if vibration >= _HIGH_MM_S else 1.0


_COOLING = timedelta(minutes=15)


def cooling_loss(tags: Tags, elapsed: float) -> dict[str, Value]:
    """The engine warms from 90 to 118 °C in a quarter of an hour."""
    lost = _part(elapsed, _COOLING)
    noise = _number(tags, "Engine_Temp_C") - 90
    return {"Engine_Temp_C": round(90 + 28 * lost + noise * (1 - 0.8 * lost), 2)}


_DRIFT = timedelta(minutes=10)


def belt_drift(tags: Tags, elapsed: float) -> dict[str, Value]:
    """The belt wanders sideways, to 8 mm."""
    return {"Belt_Alignment_MM": round(8 * _part(elapsed, _DRIFT) + _number(tags, "Belt_Alignment_MM"), 2)}


def flat_line(tags: Tags, elapsed: float) -> dict[str, Value]:  # noqa: ARG001
    """A temperature sensor sticks: it repeats one value, whatever its motor does."""
    return {"Motor_Temp_C": 74.0}


def nothing(tags: Tags, elapsed: float) -> dict[str, Value]:  # noqa: ARG001
    """No sensor is at fault."""
    return {}


STORIES: Mapping[StoryName, Story] = {
    story.name: story
    for story in (
        Story(
            StoryName.BEARING_WEAR,
            "CR_002",
            ("Vibration_MM_S", "Motor_Temp_C", "Motor_Current_A", "Throughput_TPH", "Feed_Rate_TPH", "Status"),
            _WEAR + timedelta(minutes=5),
            bearing_wear,
        ),
        Story(StoryName.COOLING_LOSS, "HT_003", ("Engine_Temp_C",), _COOLING + timedelta(minutes=5), cooling_loss),
        Story(StoryName.BELT_DRIFT, "CV_001", ("Belt_Alignment_MM",), _DRIFT + timedelta(minutes=5), belt_drift),
        Story(StoryName.FLAT_LINE, "CV_003", ("Motor_Temp_C",), timedelta(minutes=10), flat_line, reports_unchanged=True),
        Story(StoryName.DROP_OUT, "HT_004", (), timedelta(minutes=5), nothing),
        Story(StoryName.CLOCK_SKEW, None, (), timedelta(minutes=5), nothing, source="ignition_gateway_02"),
        Story(StoryName.DUPLICATES, None, (), timedelta(minutes=5), nothing, source="ignition_gateway_01"),
        Story(StoryName.BAD_PAYLOADS, None, (), timedelta(minutes=5), nothing),
    )
}
