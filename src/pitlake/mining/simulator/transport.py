"""What can go wrong between a machine and the topic: no coverage, a clock that is fast, a message sent twice."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pitlake.mining.simulator.stories import StoryName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from pitlake.mining.simulator.messages import Message, Update
    from pitlake.mining.simulator.stories import PlayedStory

FAST_BY = timedelta(seconds=90)
UPLOADED_PER_TICK = 20
RESENT_EVERY = 20
"""Of the messages of a gateway that sends twice, every twentieth: about one in ten seconds."""


class StoreAndForward:
    """A machine's way to its gateway: what it measures without coverage it keeps, and uploads later, in order."""

    def __init__(self, played: Iterable[PlayedStory]) -> None:
        self._outages = [story for story in played if story.story.name is StoryName.DROP_OUT]
        self._stored: deque[tuple[datetime, Update]] = deque()

    def forward(self, moment: datetime, report: Update | None) -> list[tuple[datetime, Update]]:
        """What reaches the gateway at `moment`, each with the time of its measuring: the report, or older ones first."""
        if report is not None:
            self._stored.append((moment, report))
        if any(outage.is_on(moment) for outage in self._outages):
            return []
        return [self._stored.popleft() for _ in range(min(UPLOADED_PER_TICK, len(self._stored)))]


def clock_error(source: str, moment: datetime, played: Sequence[PlayedStory]) -> timedelta:
    """How far a gateway's clock is fast at `moment`."""
    is_fast = any(_concerns(story, StoryName.CLOCK_SKEW, source) and story.is_on(moment) for story in played)
    return FAST_BY if is_fast else timedelta(0)


def with_duplicates(source: str, messages: Iterable[Message], played: Sequence[PlayedStory]) -> Iterator[Message]:
    """The messages of a gateway, some of them sent again while such a story is on."""
    stories = [story for story in played if _concerns(story, StoryName.DUPLICATES, source)]
    for number, message in enumerate(messages, start=1):
        yield message
        if number % RESENT_EVERY == 0 and any(story.is_on(message.sent_at) for story in stories):
            yield replace(message, readings=(), resent=True)


def _concerns(story: PlayedStory, name: StoryName, source: str) -> bool:
    return story.story.name is name and story.story.source == source
