"""The way out of the simulator: through a Zerobus endpoint, as any producer's, or straight to the landing topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


@dataclass(frozen=True)
class Delivery:
    """Where a message has landed, and when: `appended_at` is the broker's time, UTC, in whole milliseconds."""

    partition: int
    offset: int
    appended_at: datetime


class Sender(Protocol):
    """Sends messages to the landing topic, those of one key in order."""

    def send(self, key: bytes, value: bytes, on_delivery: Callable[[Delivery], None]) -> None:
        """Send, and call `on_delivery` once the message is durable: in this call, or in a later one of `send` or `flush`.

        Raises BrokerError when this or an earlier message could not be delivered.
        """

    def flush(self) -> None:
        """Wait until every message is delivered. Raises BrokerError when one could not be."""
