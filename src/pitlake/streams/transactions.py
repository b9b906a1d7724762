"""Publishing groups of records as transactions: a group is in the topic as a whole or not at all, and only by the owner.

Who opens the publisher of a transactional id fences whoever had it before: that one's open transaction is aborted, and the broker
takes nothing more from it. Readers with `isolation.level=read_committed` never see what was aborted.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from pitlake.errors import BrokerError
from pitlake.streams.connections import ANSWER_SECONDS, MAX_RECORD_BYTES, broker_error, client_config, no_answer

_CALL_SECONDS = 1.0
# A broker that is away for less does no harm. Longer than this, a transaction is aborted by the broker itself.
_TRANSACTION_MS = 10 * 60 * 1000
# Between a transaction's commit and the next one's first record the broker may still be writing the commit's markers.
_RETRY_MS = 2
_FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 - librdkafka's own name


class Outgoing(NamedTuple):
    """A record to be published. A tuple, as there may be a hundred thousand in a second."""

    value: bytes
    key: bytes
    headers: list[tuple[str, bytes]]


class Fenced(BrokerError):
    """Another process has opened the same transactional id: this one may write no more."""

    transient = False


class Stopped(BrokerError):
    """The publisher was told to stop while it waited for the broker; the fate of its last group is not known."""


class _Aborted(Exception):  # noqa: N818 - a signal, not a fault
    """The transaction was aborted: none of its records is visible, and it may be tried again."""


class TransactionalPublisher:
    """The one publisher of a transactional id. `publish` is for one thread; `stop` may be called from any."""

    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        self._bootstrap = bootstrap
        self._id = transactional_id
        self._stopped = threading.Event()
        self._producer = Producer(
            client_config(
                bootstrap,
                transactional_id=transactional_id,
                transaction_timeout_ms=_TRANSACTION_MS,
                message_timeout_ms=_TRANSACTION_MS,
                linger_ms=0,
                retry_backoff_ms=_RETRY_MS,
                message_max_bytes=MAX_RECORD_BYTES,
                queue_buffering_max_messages=0,
                queue_buffering_max_kbytes=1024 * 1024,
                # Java's choice of partition, so that other clients' records of the same key go the same way.
                partitioner="murmur2_random",
            )
        )

    def open(self) -> None:
        """Become the owner: when this returns, nothing of an earlier owner is under way. Raises BrokerError."""
        try:
            self._producer.init_transactions(ANSWER_SECONDS)
        except KafkaException as fault:
            raise broker_error(self._bootstrap, fault, f"transactions of {self._id}") from fault

    def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Return when all of the records are in the topic, in order per key; a broker that is away is waited for.

        Raises Fenced, Stopped, and BrokerError for what cannot be mended; then the fate of the records is for the next owner to
        find out.
        """
        while True:
            try:
                self._try(topic, records)
            except _Aborted:
                continue
            except KafkaException as fault:
                raise self._failure(fault) from fault
            return

    def stop(self) -> None:
        """Make `publish` give up waiting for a broker that is away."""
        self._stopped.set()

    def _try(self, topic: str, records: Sequence[Outgoing]) -> None:
        produce = self._producer.produce
        self._producer.begin_transaction()
        try:
            for value, key, headers in records:
                produce(topic, value, key, headers=headers)
            self._patiently(self._producer.commit_transaction)
        except KafkaException as fault:
            if not fault.args[0].txn_requires_abort():
                raise
            self._patiently(self._producer.abort_transaction)
            raise _Aborted from fault

    def _patiently(self, call: object) -> None:
        """Repeat a call that ends a transaction until it has."""
        while True:
            try:
                return call(_CALL_SECONDS)  # type: ignore[operator]
            except KafkaException as fault:
                if not fault.args[0].retriable():
                    raise
                if self._stopped.is_set():
                    raise Stopped(f"Kafka at {self._bootstrap} did not answer before the end.", do=no_answer(self._bootstrap).do) from fault

    def _failure(self, fault: KafkaException) -> BrokerError:
        if fault.args[0].code() in _FENCED:
            return Fenced(f"Another process has taken over {self._id}.", do="Run one endpoint for a landing table at a time.")
        return broker_error(self._bootstrap, fault, f"a transaction of {self._id}")

    def close(self) -> None:
        """End the connection."""
        with suppress(KafkaException):
            self._producer.close()
