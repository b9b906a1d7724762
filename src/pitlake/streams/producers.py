"""Publishing records: an idempotent producer whose failed deliveries are errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pitlake.errors import BrokerError
from pitlake.streams.connections import ANSWER_SECONDS, MAX_RECORD_BYTES, broker_error, client_config, no_answer

_ANY_PARTITION = -1


class Publisher:
    """Sends records and keeps account of their deliveries. Records of one partition arrive in the order sent, each once.

    A context manager: leaving it flushes. Not for use by several threads at once.
    """

    def __init__(self, bootstrap: str, *, linger_ms: float = 2.0, delivery_seconds: float = 60.0) -> None:
        self._bootstrap = bootstrap
        self._failure: KafkaError | None = None
        self._producer = Producer(
            client_config(
                bootstrap,
                enable_idempotence=True,
                linger_ms=linger_ms,
                message_max_bytes=MAX_RECORD_BYTES,
                delivery_timeout_ms=int(delivery_seconds * 1000),
            )
        )

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Mapping[str, bytes] | None = None,
        partition: int | None = None,
    ) -> None:
        """Queue one record. Raises BrokerError when an earlier one could not be delivered."""
        self._raise_failure()
        where = _ANY_PARTITION if partition is None else partition
        while True:
            try:
                self._producer.produce(topic, value, key, where, self._delivered, headers=dict(headers or {}))
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as fault:
                raise broker_error(self._bootstrap, fault, f"a record for {topic}") from fault
            else:
                self._producer.poll(0)
                return

    def flush(self, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until all that was sent is acknowledged. Raises BrokerError when something was not, or not in time."""
        undelivered = self._producer.flush(seconds)
        self._raise_failure()
        if undelivered:
            raise no_answer(self._bootstrap)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failure = error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure: BrokerError = broker_error(self._bootstrap, self._failure, "a record")
            self._failure = None
            raise failure
