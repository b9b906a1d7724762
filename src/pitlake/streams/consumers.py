"""Reading topics from stated offsets: no consumer group, no automatic commit, no silent skipping."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from pitlake.errors import BrokerError
from pitlake.streams.connections import ANSWER_SECONDS, broker_error, client_config, no_answer
from pitlake.streams.records import Record

BEGINNING: int = OFFSET_BEGINNING
"""In place of an offset: the oldest record that the partition still holds."""

_FETCH_BYTES = 16 * 1024 * 1024
"""As much at once; a record that is larger comes all the same."""

_PREFETCHED_KBYTES = 16 * 1024
_PREFETCHED_RECORDS = 1
"""While a record waits to be taken no other is asked for. A reader that comes rarely then costs the broker a fetch each time, and
not one for each record that arrives meanwhile."""

_FETCH_SECONDS = 0.01
"""As long as a fetch of what is there may take."""

_LONG_POLL_MS = 500
"""The broker answers a fetch as soon as there is a record. Shorter polls do not arrive sooner, and idle readers then keep it busy
(ten readers, 10 ms: one core and p50 4.4 ms; 500 ms: a tenth of a core and p50 2.2 ms)."""

_SHORT_POLL_MS = 10
"""The broker answers a fetch at the end of a partition only after the poll: who stops there need not wait for it."""

_CONNECTING_SECONDS = 0.2

_FIRST_SECONDS = 2.0
"""As long as it may take until the broker has given a partition's next record, or said that there is none."""

_SETTLING = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART}
"""What a broker answers for a partition that was made, or has moved, a moment ago."""

_SETTLING_SECONDS = 0.05


class OffsetOutOfRange(BrokerError):
    """The topic no longer holds the offset to read from: retention took it, or the topic was made anew."""

    transient = False


class TopicReader:
    """Reads one topic's partitions from the given offsets on. A context manager; one thread at a time.

    `offsets` maps each partition to the next offset to read, or to `BEGINNING`. Who only reads up to the end does not `follow`,
    and learns of the end at once.
    """

    def __init__(self, bootstrap: str, topic: str, offsets: Mapping[int, int], *, follow: bool = True) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._reading = set(offsets)
        self._consumer = _consumer(bootstrap, _LONG_POLL_MS if follow else _SHORT_POLL_MS)
        # librdkafka looks for a partition's leader at once only if it is connected, and otherwise again half a second later.
        with suppress(KafkaException):
            self._consumer.list_topics(topic, timeout=_CONNECTING_SECONDS)
        self._consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in offsets.items()])

    @property
    def at_end(self) -> bool:
        """Whether all that was in the topic when it was last asked has been taken."""
        return not self._reading

    def take(self, limit: int, seconds: float) -> list[Record]:
        """Up to `limit` records, waiting up to `seconds` for that many.

        Raises OffsetOutOfRange, or BrokerError for what the client cannot mend itself; a broker that is away for a while is
        waited for.
        """
        try:
            messages = self._consumer.consume(limit, max(seconds, 0.0))
        except KafkaException as fault:
            raise broker_error(self._bootstrap, fault, f"to read {self._topic}") from fault
        return [self._record(message) for message in messages if self._is_record(message)]

    def take_waiting(self, limit: int) -> list[Record]:
        """What has come since the last call: up to `limit` records that have been fetched, and up to `limit` by one fetch more.

        Raises as `take` does.
        """
        fetched = self.take(limit, 0)
        next_fetch = self.take(1, _FETCH_SECONDS)
        return [*fetched, *next_fetch, *(self.take(limit, 0) if next_fetch else ())]

    def close(self) -> None:
        """End the connection."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _is_record(self, message: Message) -> bool:
        error, partition = message.error(), message.partition() or 0
        if error is None:
            self._reading.add(partition)
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
            self._reading.discard(partition)
            return False
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 - librdkafka's own name
            raise OffsetOutOfRange(
                f"Topic {self._topic} no longer holds the records to resume from: {error.str()}.",
                do="Move its table's folder out of the lake and start again, and give the topic a longer retention.",
            )
        if error.retriable() or error.code() in {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:  # noqa: SLF001 - as above
            return False
        raise broker_error(self._bootstrap, error, f"to read {self._topic}")

    @staticmethod
    def _record(message: Message) -> Record:
        headers = {name: value for name, value in _pairs(message) if value is not None}
        partition, offset = message.partition(), message.offset()
        return Record(partition, offset, message.timestamp()[1], message.key(), message.value(), headers)  # type: ignore[arg-type]


def _pairs(message: Message) -> Iterable[tuple[str, bytes | None]]:
    """The record's headers; librdkafka gives them as pairs, a name possibly several times."""
    return message.headers() or ()  # type: ignore[return-value]


def end_offsets(bootstrap: str, topic: str) -> dict[int, int] | None:
    """Each partition's next offset to be written, or None when there is no such topic. Raises BrokerError."""
    kept = kept_offsets(bootstrap, topic)
    return None if kept is None else {partition: offsets.stop for partition, offsets in kept.items()}


def kept_offsets(bootstrap: str, topic: str) -> dict[int, range] | None:
    """Each partition's offsets from the oldest record that it still holds on, or None when there is no such topic.

    Raises BrokerError.
    """
    consumer = _consumer(bootstrap)
    try:
        metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        if metadata.error is None:
            return {partition: _kept(consumer, topic, partition) for partition in metadata.partitions}
        if metadata.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise broker_error(bootstrap, metadata.error, f"to describe {topic}")
    except KafkaException as fault:
        raise broker_error(bootstrap, fault, f"to describe {topic}") from fault
    finally:
        consumer.close()


def waiting_since(bootstrap: str, offsets: Mapping[str, Mapping[int, int]]) -> int | None:
    """When the oldest record was appended that is not before the offsets, given by topic and partition; None when there is none.

    In milliseconds since the epoch, UTC. Raises BrokerError, OffsetOutOfRange where a topic no longer holds an offset.
    """
    places = [(topic, {partition: offset}) for topic, its in offsets.items() for partition, offset in its.items()]
    try:
        records = [_first_record(bootstrap, topic, place) for topic, place in places]
    except KafkaException as fault:
        raise broker_error(bootstrap, fault, "to read what comes next") from fault
    return min((record.timestamp for record in records if record), default=None)


def _first_record(bootstrap: str, topic: str, offsets: Mapping[int, int]) -> Record | None:
    deadline = time.monotonic() + _FIRST_SECONDS
    with TopicReader(bootstrap, topic, offsets, follow=False) as reader:
        while not reader.at_end:
            if records := reader.take(1, deadline - time.monotonic()):
                return records[0]
            if time.monotonic() > deadline:
                raise no_answer(bootstrap)
    return None


def _kept(consumer: Consumer, topic: str, partition: int) -> range:
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return _watermarks(consumer, topic, partition)
        except KafkaException as fault:
            if fault.args[0].code() not in _SETTLING or time.monotonic() > deadline:
                raise
            time.sleep(_SETTLING_SECONDS)


def _watermarks(consumer: Consumer, topic: str, partition: int) -> range:
    watermarks = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ANSWER_SECONDS)
    if watermarks is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - librdkafka's own name
    return range(*watermarks)


def _consumer(bootstrap: str, poll_ms: int = _LONG_POLL_MS) -> Consumer:
    return Consumer(
        client_config(
            bootstrap,
            group_id="pitlake-reader",
            enable_auto_commit=False,
            enable_auto_offset_store=False,
            auto_offset_reset="error",
            enable_partition_eof=True,
            allow_auto_create_topics=False,
            fetch_wait_max_ms=poll_ms,
            fetch_queue_backoff_ms=2,
            fetch_error_backoff_ms=50,
            fetch_message_max_bytes=_FETCH_BYTES,
            fetch_max_bytes=_FETCH_BYTES,
            queued_min_messages=_PREFETCHED_RECORDS,
            queued_max_messages_kbytes=_PREFETCHED_KBYTES,
        )
    )
