"""What was truly sent, line by line, so that an oracle can recompute the tables without looking at them."""

from __future__ import annotations

import base64
from typing import IO, TYPE_CHECKING, Any

import orjson

from pitlake.mining.simulator.messages import Message, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from pitlake.mining.simulator.sender import Delivery


def entries(message: Message, delivery: Delivery) -> Iterator[dict[str, Any]]:
    """What the ledger says of a delivered message: a line per reading that must come out of it, one for a bad or resent message.

    `kind` is `reading`, `bad-payload` or `duplicate`; all know where the message landed. A reading has equipment_id, sensor_name,
    value (number or text, as sent) and event_timestamp; a bad payload has the fault and the message's bytes in base64.
    """
    landed = {
        "message_id": message.message_id,
        "source": message.source,
        "landing_partition": delivery.partition,
        "landing_offset": delivery.offset,
        "appended_at": iso(delivery.appended_at),
    }
    for reading in message.readings:
        yield {
            "kind": "reading",
            "equipment_id": reading.equipment_id,
            "sensor_name": reading.sensor_name,
            "value": reading.value,
            "event_timestamp": iso(reading.event_timestamp),
            **landed,
        }
    if message.fault is not None:
        yield {"kind": "bad-payload", "fault": message.fault, "raw_base64": base64.b64encode(message.value).decode(), **landed}
    if message.resent:
        yield {"kind": "duplicate", **landed}


class Ledger:
    """A JSONL file of entries; each message's lines are on their way to the disk before the next message's."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def on_delivery(self, message: Message) -> Callable[[Delivery], None]:
        """What to call with the message's delivery."""

        def record(delivery: Delivery) -> None:
            self._file.write(_lines(entries(message, delivery)))
            self._file.flush()

        return record


def append_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Append JSON lines to a file, which is made when it does not exist."""
    with path.open("ab") as file:
        file.write(_lines(records))


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
