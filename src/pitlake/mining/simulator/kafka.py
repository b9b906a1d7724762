"""A Sender to a Kafka topic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pitlake.errors import BrokerError
from pitlake.mining.simulator.sender import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLUSH_SECONDS = 10.0
_QUEUE_POLL_SECONDS = 0.1


class KafkaSender:
    """Sends durably and once (idempotent, acknowledged by all); it waits for a broker that is away for as long as it takes.

    `settings` are further settings of librdkafka.
    """

    def __init__(self, bootstrap: str, topic: str, settings: Mapping[str, str | int] | None = None) -> None:
        self._topic = topic
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                # A message that is given up may yet be in the topic, and the ledger would not know.
                "message.timeout.ms": 0,
                # Java's choice of partition, so that other clients' messages of the same key go the same way.
                "partitioner": "murmur2_random",
                **(settings or {}),
            }
        )

    def send(self, key: bytes, value: bytes, on_delivery: Callable[[Delivery], None]) -> None:
        """See Sender."""

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failure = error
            else:
                on_delivery(_delivery(message))

        self._enqueue(key, value, delivered)
        self._producer.poll(0)
        self._raise_failure()

    def flush(self) -> None:
        """See Sender."""
        left = self._producer.flush(_FLUSH_SECONDS)
        self._raise_failure()
        if left:
            raise BrokerError(
                f"{left} messages to {self._topic} are not acknowledged", do="Check that the broker runs and has disk space."
            )

    def _enqueue(self, key: bytes, value: bytes, delivered: Callable[[KafkaError | None, Message], None]) -> None:
        while True:
            try:
                self._producer.produce(self._topic, key=key, value=value, on_delivery=delivered)
            except BufferError:
                self._producer.poll(_QUEUE_POLL_SECONDS)
            except KafkaException as error:
                raise BrokerError(f"{self._topic} refuses a message: {error}", do="Check the topic's settings.") from error
            else:
                return

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise BrokerError(
                f"a message to {self._topic} was not delivered: {self._failure.str()}", do="Check the broker's log."
            )


def _delivery(message: Message) -> Delivery:
    partition, offset = message.partition(), message.offset()
    _, milliseconds = message.timestamp()
    if partition is None or offset is None:
        raise BrokerError("the broker acknowledged a message without its place", do="Set acks=all.")
    return Delivery(partition, offset, _EPOCH + timedelta(milliseconds=milliseconds))
