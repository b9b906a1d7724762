"""The gateways: each looks at its machines twice a second, and reports the tags that have changed."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pitlake.mining.simulator.bad_payloads import bad_messages
from pitlake.mining.simulator.machines import TICK_SECONDS, Model, model_of
from pitlake.mining.simulator.messages import Message, Update, Value, gateway_message
from pitlake.mining.simulator.stories import STORIES, PlayedStory, StoryName
from pitlake.mining.simulator.transport import StoreAndForward, clock_error, with_duplicates
from pitlake.mining.site import EquipmentType, machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pitlake.mining.simulator.config import StoryStart

TICK = timedelta(seconds=TICK_SECONDS)
MAX_UPDATES = 50
FULL_REPORT_TICKS = 120
"""Once a minute every tag is reported, changed or not: who has just begun to listen then knows the state of the site."""


@dataclass(frozen=True)
class Gateway:
    """A gateway and the machines that it reads; `lag` keeps the gateways from sending all at once."""

    source: str
    machines: tuple[str, ...]
    lag: timedelta


GATEWAYS: tuple[Gateway, ...] = (
    Gateway(
        "ignition_gateway_01",
        ("HT_001", "HT_002", "HT_003", "HT_004", "HT_005", "CR_001"),
        timedelta(0),
    ),
    Gateway(
        "ignition_gateway_02",
        ("CR_002", "CR_003", "CV_001", "CV_002", "CV_003", "CV_004", "ST_001", "RC_001", "SL_001"),
        TICK / 2,
    ),
)


def site_messages(seed: int, start: datetime, stories: Sequence[StoryStart] = ()) -> Iterator[Message]:
    """All that the site sends from `start` (UTC, whole milliseconds) on, in order of time, without end."""
    played = played_stories(start, stories)
    good = [with_duplicates(gateway.source, _messages(gateway, seed, start, played), played) for gateway in GATEWAYS]
    bad = [bad_messages(story, start) for story in played if story.story.name is StoryName.BAD_PAYLOADS]
    return heapq.merge(*good, *bad, key=lambda message: (message.sent_at, message.source))


def played_stories(start: datetime, stories: Iterable[StoryStart]) -> tuple[PlayedStory, ...]:
    """The stories with the times at which they begin."""
    return tuple(PlayedStory(STORIES[story.name], start + story.after) for story in stories)


def _messages(gateway: Gateway, seed: int, start: datetime, played: Sequence[PlayedStory]) -> Iterator[Message]:
    reporters = [_Reporter(model_of(machine(name), seed), played) for name in gateway.machines]
    sequence = itertools.count()
    for tick in itertools.count():
        moment = start + gateway.lag + tick * TICK
        full = tick % FULL_REPORT_TICKS == 0
        arrived = itertools.chain.from_iterable(reporter.reports(moment, full=full) for reporter in reporters)
        error = clock_error(gateway.source, moment, played)
        for measured_at, updates in _batches(arrived):
            yield gateway_message(gateway.source, start, next(sequence), moment, measured_at + error, updates)


def _batches(arrived: Iterable[tuple[datetime, Update]]) -> Iterator[tuple[datetime, list[Update]]]:
    """What was measured at one time goes together, the oldest first, in as many batches as it needs."""
    in_order = sorted(arrived, key=lambda report: report[0])
    for measured_at, reports in itertools.groupby(in_order, key=lambda report: report[0]):
        updates = [update for _, update in reports]
        for first in range(0, len(updates), MAX_UPDATES):
            yield measured_at, updates[first : first + MAX_UPDATES]


class _Reporter:
    """Watches one machine, and remembers what of it has been reported."""

    def __init__(self, model: Model, played: Sequence[PlayedStory]) -> None:
        self._model = model
        self._played = [story for story in played if story.story.equipment_id == model.machine.equipment_id]
        self._reported: Mapping[str, Value] = {}
        self._way = StoreAndForward(self._played)

    def reports(self, moment: datetime, *, full: bool) -> list[tuple[datetime, Update]]:
        """The reports that reach the gateway at `moment`, each with the time at which it was made."""
        return self._way.forward(moment, self._report(moment, full=full))

    def _report(self, moment: datetime, *, full: bool) -> Update | None:
        """What has changed since the last report; all tags in a full one; None when there is nothing to say."""
        tags, repeated = self._observe(moment)
        changed = {name: value for name, value in tags.items() if full or name in repeated or self._reported.get(name) != value}
        self._reported = tags
        machine = self._model.machine
        return Update(machine.equipment_id, EquipmentType(machine.equipment_type).value, changed) if changed else None

    def _observe(self, moment: datetime) -> tuple[Mapping[str, Value], set[str]]:
        tags = self._model.tags(moment)
        repeated: set[str] = set()
        for story in self._played:
            if story.is_on(moment):
                tags = story.distorted(tags, moment)
                repeated |= set(story.story.sensors) if story.story.reports_unchanged else set()
        return tags, repeated
