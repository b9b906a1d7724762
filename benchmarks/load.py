"""The load: which messages are sent, and when. A pure function of rate, start and length, so that nobody has to write it down.

The site's machines report in turn, all tags of a machine at once, in the message contract of the landing topic. What is due is
looked at every 50 ms and leaves as one message per gateway, or as several where a gateway's batch would be too large. A higher
rate is the same site, sampled more often: the keys of the result are the same at every rate.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pitlake.mining.simulator.gateways import GATEWAYS, MAX_UPDATES
from pitlake.mining.simulator.messages import Message, Update, Value, gateway_message
from pitlake.mining.site import MACHINES, SENSORS, EquipmentType, Machine, Sensor

TICK = timedelta(milliseconds=50)

_CHANCE = random.Random(1)
_NOISE = tuple(_CHANCE.gauss(0, 1) for _ in range(1009))
_GATEWAY = {machine: gateway.source for gateway in GATEWAYS for machine in gateway.machines}
_TAGS_PER_ROUND = sum(len(SENSORS[EquipmentType(machine.equipment_type)]) for machine in MACHINES)


@dataclass(frozen=True)
class Load:
    """`rate` readings a second, numbers and texts, for `seconds` from `start` (UTC, whole milliseconds) on."""

    rate: float
    start: datetime
    seconds: float

    @property
    def end(self) -> datetime:
        """When the last message is due."""
        return self.start + timedelta(seconds=self.seconds)

    def messages(self) -> Iterator[Message]:
        """All messages in the order in which they are due; a message is stamped with the moment at which it is due."""
        per_tick = self.rate * TICK.total_seconds() * len(MACHINES) / _TAGS_PER_ROUND
        sequence = itertools.count()
        sent = 0
        for tick in range(1, int(self.seconds / TICK.total_seconds()) + 1):
            due, moment = int(tick * per_tick), self.start + tick * TICK
            for source, updates in _by_gateway(range(sent, due)):
                yield gateway_message(source, self.start, next(sequence), moment, moment, updates)
            sent = due


def one_round(start: datetime) -> Load:
    """A load that is just one report of every machine, within a second."""
    return Load(rate=_TAGS_PER_ROUND, start=start, seconds=1.0)


def _by_gateway(numbers: Iterable[int]) -> Iterator[tuple[str, list[Update]]]:
    """The updates of those numbers as batches of one gateway, none larger than the site's gateways send."""
    batches: dict[str, list[Update]] = defaultdict(list)
    for number in numbers:
        machine = MACHINES[number % len(MACHINES)]
        batches[_GATEWAY[machine.equipment_id]].append(_update(machine, number))
    for source, updates in batches.items():
        for first in range(0, len(updates), MAX_UPDATES):
            yield source, updates[first : first + MAX_UPDATES]


def _update(machine: Machine, number: int) -> Update:
    kind = EquipmentType(machine.equipment_type)
    return Update(machine.equipment_id, kind.value, {sensor.name: _value(sensor, number) for sensor in SENSORS[kind]})


def _value(sensor: Sensor, number: int) -> Value:
    """A number about the sensor's nominal one, or one of its texts; never twice the same in a row."""
    if sensor.nominal is None:
        texts = sensor.values or ("SEAT_1", "SEAT_2")
        return texts[number % len(texts)]
    low, high = sensor.normal
    width = 1.0 if low is None or high is None else (high - low) / 8
    return round(sensor.nominal + width * _NOISE[number % len(_NOISE)], 3)
