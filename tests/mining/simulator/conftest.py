"""Time that passes as soon as somebody waits for it, and a topic that is a list."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from pitlake.mining.simulator.gateways import site_messages
from pitlake.mining.simulator.messages import Message
from pitlake.mining.simulator.sender import Delivery

START = datetime(2026, 2, 15, 4, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """Begins at `time`, and says stop at `stops_at`."""

    time: datetime = START
    stops_at: datetime | None = None
    waited_for: list[datetime] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def wait_until(self, moment: datetime) -> bool:
        self.waited_for.append(moment)
        self.time = max(self.time, moment)
        return self.stops_at is not None and self.time >= self.stops_at


@dataclass
class MemorySender:
    """Delivers everything at the flush, 5 ms after the last message was sent."""

    clock: FakeClock
    sent: list[tuple[bytes, bytes]] = field(default_factory=list)
    flushed: int = 0
    _waiting: list[Callable[[Delivery], None]] = field(default_factory=list)

    def send(self, key: bytes, value: bytes, on_delivery: Callable[[Delivery], None]) -> None:
        self.sent.append((key, value))
        self._waiting.append(on_delivery)

    def flush(self) -> None:
        self.flushed += 1
        for offset, on_delivery in enumerate(self._waiting):
            on_delivery(Delivery(0, offset, self.clock.now() + timedelta(milliseconds=5)))
        self._waiting.clear()


@pytest.fixture
def start() -> datetime:
    return START


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sender(clock: FakeClock) -> MemorySender:
    return MemorySender(clock)


@pytest.fixture
def sent_within() -> Callable[..., list[Message]]:
    """What the site sends in the first while, from START."""

    def messages(while_: timedelta, *, seed: int = 1, stories=()) -> list[Message]:
        return list(itertools.takewhile(lambda m: m.sent_at < START + while_, site_messages(seed, START, stories)))

    return messages
