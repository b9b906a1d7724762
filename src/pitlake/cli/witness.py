"""Where the simulator's messages land, for its ledger: the endpoint does not say, so the landing topic is read beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from pitlake.errors import BrokerError
from pitlake.mining.simulator import Delivery, Sender
from pitlake.streams.consumers import TopicReader, end_offsets
from pitlake.streams.records import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAKEN = 1000
_POLL_SECONDS = 0.05
_LANDING_SECONDS = 30.0


class Witness:
    """Sends through another sender, and reports each message as delivered when it is seen in the topic.

    One that was sent before, byte for byte, is refused at the door: it lands once, and is reported once.
    """

    def __init__(self, sender: Sender, bootstrap: str, topic: str) -> None:
        self._sender = sender
        self._topic = topic
        self._reader = TopicReader(bootstrap, topic, end_offsets(bootstrap, topic) or {})
        self._expected: dict[bytes, Callable[[Delivery], None]] = {}
        self._sent: set[bytes] = set()

    def send(self, key: bytes, value: bytes, on_delivery: Callable[[Delivery], None]) -> None:
        """See Sender."""
        if value not in self._sent:
            self._sent.add(value)
            self._expected[value] = on_delivery
        self._sender.send(key, value, lambda _: None)
        self._look(0.0)

    def flush(self) -> None:
        """See Sender."""
        self._sender.flush()
        deadline = time.monotonic() + _LANDING_SECONDS
        while self._expected:
            self._look(_POLL_SECONDS)
            if time.monotonic() > deadline:
                raise BrokerError(
                    f"{len(self._expected)} acknowledged messages are not in the topic {self._topic}.",
                    do="Look into the endpoint's log, and report it: an acknowledgement is a promise.",
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._reader.close()

    def _look(self, seconds: float) -> None:
        for record in self._reader.take(_TAKEN, seconds):
            if on_delivery := self._expected.pop(record.value or b"", None):
                on_delivery(_delivery(record))


def _delivery(record: Record) -> Delivery:
    return Delivery(record.partition, record.offset, _EPOCH + timedelta(milliseconds=record.timestamp))
