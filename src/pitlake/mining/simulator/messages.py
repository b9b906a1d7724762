"""The message contract of the landing topic: what a gateway sends, as bytes, and which readings are in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = float | int | str


@dataclass(frozen=True)
class Reading:
    """One value of one sensor, as it stands in a message; `event_timestamp` is in UTC, in whole milliseconds."""

    equipment_id: str
    sensor_name: str
    value: Value
    event_timestamp: datetime


@dataclass(frozen=True)
class Update:
    """What one machine reports at one moment."""

    equipment_id: str
    equipment_type: str
    tags: Mapping[str, Value]


@dataclass(frozen=True)
class Message:
    """One message on its way to the landing topic.

    `sent_at` is when it is due, in the mine's time. `readings` are those that must come out of it, and `fault` says what is
    wrong with a message that is bad on purpose. A `resent` message was sent before, byte for byte; it has no readings.
    """

    sent_at: datetime
    source: str
    message_id: str
    value: bytes
    readings: tuple[Reading, ...]
    fault: str | None = None
    resent: bool = False

    @property
    def key(self) -> bytes:
        """The record's key: all messages of a gateway stay in order."""
        return self.source.encode()


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, cut off (not rounded) after the millisecond: `2026-02-15T04:12:09.113Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_milliseconds(moment: datetime) -> datetime:
    """The moment without what is smaller than a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def message_id(source: str, start: datetime, sequence: int) -> str:
    """An id that no other run's message has: it names the start of the run."""
    return f"{source}-{int(start.timestamp() * 1000)}-{sequence:09d}"


def gateway_message(
    source: str, start: datetime, sequence: int, sent_at: datetime, event_time: datetime, updates: Sequence[Update]
) -> Message:
    """A message in the contract's shape, with the updates of several machines, stamped with `event_time`."""
    identity = message_id(source, start, sequence)
    body = {
        "timestamp": iso(event_time),
        "source": source,
        "message_id": identity,
        "sequence": sequence,
        "batch": [{"equipment_id": u.equipment_id, "equipment_type": u.equipment_type, "tags": u.tags} for u in updates],
    }
    readings = tuple(Reading(u.equipment_id, name, value, event_time) for u in updates for name, value in u.tags.items())
    return Message(sent_at, source, identity, orjson.dumps(body), readings)
