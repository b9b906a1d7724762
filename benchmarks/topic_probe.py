"""The probe of a topic: who follows it, when does he see a row's count grow?

    python -m benchmarks.topic_probe --bootstrap HOST:PORT --topic TOPIC --folder FOLDER

watches until SIGTERM.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from benchmarks.probes import record
from benchmarks.windows import Row, Sighting
from pitlake.streams.connections import client_config
from pitlake.streams.consumers import end_offsets

_MOST = 10_000
_POLL_SECONDS = 0.1


def sightings(bootstrap: str, topic: str, is_over: Callable[[], bool]) -> Iterator[Sighting]:
    """Follow the topic from its beginning; every row whose count has grown."""
    counts: dict[Row, int] = {}
    consumer = _follow(bootstrap, topic, is_over)
    while not is_over():
        first = consumer.poll(_POLL_SECONDS)
        if first is None:
            continue
        messages = [first, *consumer.consume(_MOST, 0)]
        at = time.time()
        for row, count in _rows(messages):
            if count > counts.get(row, 0):
                counts[row] = count
                yield Sighting(at, row, count)
    consumer.close()


def _follow(bootstrap: str, topic: str, is_over: Callable[[], bool]) -> Consumer:
    while not (ends := end_offsets(bootstrap, topic)) and not is_over():
        time.sleep(_POLL_SECONDS)
    consumer = Consumer(client_config(bootstrap, group_id="probe", enable_auto_commit=False, fetch_queue_backoff_ms=10))
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends or ()])
    return consumer


def _rows(messages: Sequence[Message]) -> Iterator[tuple[Row, int]]:
    """The rows; a record that is none, such as a marker or a tombstone, has no value."""
    for message in messages:
        if message.error() is None and (value := message.value()):
            row = orjson.loads(value)
            yield (micros(row["window_start"]), row["equipment_id"], row["sensor_name"]), row["reading_count"]


@cache
def micros(text: str) -> int:
    """µs since the epoch of an ISO 8601 timestamp; one without an offset is in UTC."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder for what it tells")
    given = parser.parse_args()
    record(lambda is_over: sightings(given.bootstrap, given.topic, is_over), given.folder)


if __name__ == "__main__":
    main()
