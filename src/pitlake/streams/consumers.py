"""Reading topics from stated offsets: no consumer group, no automatic commit, no silent skipping."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from pitlake.errors import BrokerError
from pitlake.streams.connections import ANSWER_SECONDS, MAX_RECORD_BYTES, broker_error, client_config, no_answer
from pitlake.streams.records import Record

BEGINNING: int = OFFSET_BEGINNING
"""In place of an offset: the oldest record that the partition still holds."""

_PREFETCHED_KBYTES = 16 * 1024
_LONG_POLL_MS = 500
"""The broker answers a fetch as soon as there is a record. Shorter polls do not arrive sooner, and idle readers then keep it busy
(ten readers, 10 ms: one core and p50 4.4 ms; 500 ms: a tenth of a core and p50 2.2 ms)."""


class OffsetOutOfRange(BrokerError):
    """The topic no longer holds the offset to read from: retention took it, or the topic was made anew."""

    transient = False


class TopicReader:
    """Reads one topic's partitions from the given offsets on. A context manager; one thread at a time.

    `offsets` maps each partition to the next offset to read, or to `BEGINNING`.
    """

    def __init__(self, bootstrap: str, topic: str, offsets: Mapping[int, int]) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._consumer = _consumer(bootstrap)
        self._consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in offsets.items()])

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

    def close(self) -> None:
        """End the connection."""
        self._consumer.close()

    def __enter__(self) -> TopicReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:  # noqa: SLF001 - librdkafka's own name
            raise OffsetOutOfRange(
                f"Topic {self._topic} no longer holds the records to resume from: {error.str()}.",
                do="Refresh its table from the lake with `pitlake run --full-refresh`, and give the topic a longer retention.",
            )
        if error.retriable() or error.code() in {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:  # noqa: SLF001 - as above
            return False
        raise broker_error(self._bootstrap, error, f"to read {self._topic}")

    @staticmethod
    def _record(message: Message) -> Record:
        headers = {name: value for name, value in message.headers() or () if value is not None}
        partition, offset = message.partition(), message.offset()
        return Record(partition, offset, message.timestamp()[1], message.key(), message.value(), headers)  # type: ignore[arg-type]


def end_offsets(bootstrap: str, topic: str) -> dict[int, int] | None:
    """Each partition's next offset to be written, or None when there is no such topic. Raises BrokerError."""
    consumer = _consumer(bootstrap)
    try:
        metadata = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        if metadata.error is not None:
            return _absent(bootstrap, topic, metadata.error)
        return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=ANSWER_SECONDS)[1] for p in metadata.partitions}
    except KafkaException as fault:
        raise broker_error(bootstrap, fault, f"to describe {topic}") from fault
    except TypeError as absent:
        raise no_answer(bootstrap) from absent
    finally:
        consumer.close()


def _absent(bootstrap: str, topic: str, error: KafkaError) -> None:
    if error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise broker_error(bootstrap, error, f"to describe {topic}")


def _consumer(bootstrap: str) -> Consumer:
    return Consumer(
        client_config(
            bootstrap,
            group_id="pitlake-reader",
            enable_auto_commit=False,
            enable_auto_offset_store=False,
            auto_offset_reset="error",
            allow_auto_create_topics=False,
            fetch_wait_max_ms=_LONG_POLL_MS,
            fetch_queue_backoff_ms=10,
            fetch_error_backoff_ms=50,
            fetch_message_max_bytes=MAX_RECORD_BYTES,
            fetch_max_bytes=MAX_RECORD_BYTES,
            queued_max_messages_kbytes=_PREFETCHED_KBYTES,
        )
    )
