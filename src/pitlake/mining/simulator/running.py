"""The run: messages are sent when they are due, until the end or until someone says stop."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from pitlake.mining.simulator.gateways import played_stories, site_messages
from pitlake.mining.simulator.ledger import Ledger, append_lines
from pitlake.mining.simulator.messages import whole_milliseconds

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from pitlake.mining.simulator.config import SimulatorConfig
    from pitlake.mining.simulator.messages import Message
    from pitlake.mining.simulator.sender import Delivery, Sender


class Clock(Protocol):
    """Time, and the only reason to stop waiting for it."""

    def now(self) -> datetime:
        """The present, UTC."""

    def wait_until(self, moment: datetime) -> bool:
        """Wait for a moment, or not at all when it has passed. True as soon as the run is to stop."""


class WallClock:
    """The machine's clock, until `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> datetime:
        """See Clock."""
        return datetime.now(UTC)

    def wait_until(self, moment: datetime) -> bool:
        """See Clock."""
        return self._stop.wait(max(0.0, (moment - self.now()).total_seconds()))


@dataclass(frozen=True)
class Summary:
    """What a run has sent: messages, bad ones among them, and the readings that must come out of them."""

    messages: int = 0
    bad_messages: int = 0
    readings: int = 0

    def plus(self, message: Message) -> Summary:
        """The summary with one message more."""
        return Summary(
            self.messages + 1,
            self.bad_messages + (message.fault is not None),
            self.readings + len(message.readings),
        )


def run_simulator(config: SimulatorConfig, sender: Sender, clock: Clock) -> Summary:
    """Send what the site sends, until `config.duration` is over or the clock says stop; then flush sender and ledger.

    Raises BrokerError when a message cannot be delivered.
    """
    began = clock.now()
    start = whole_milliseconds(config.start or began)
    if config.labels is not None:
        append_lines(config.labels, (label for story in played_stories(start, config.stories) for label in story.labels()))
    summary = Summary()
    with ExitStack() as closing:
        on_delivery = _recorder(config, closing)
        closing.callback(sender.flush)
        for message in site_messages(config.seed, start, config.stories):
            if config.duration is not None and message.sent_at >= start + config.duration:
                break
            due = max(message.sent_at, began + (message.sent_at - start) / config.speed)
            if clock.wait_until(due):
                break
            sender.send(message.key, message.value, on_delivery(message))
            summary = summary.plus(message)
    return summary


def _recorder(config: SimulatorConfig, closing: ExitStack) -> Callable[[Message], Callable[[Delivery], None]]:
    if config.ledger is None:
        return lambda message: _forget  # noqa: ARG005
    return Ledger(closing.enter_context(config.ledger.open("ab"))).on_delivery


def _forget(delivery: Delivery) -> None:
    """Nobody asked for a ledger."""
