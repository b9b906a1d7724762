"""Publishing groups of records as transactions: a group is in the topic as a whole or not at all, and only by the owner.

Who opens the publisher of a transactional id fences whoever had it before: that one's open transaction is aborted, and the broker
takes nothing more from it. Readers with `isolation.level=read_committed` never see what was aborted.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeAlias

from confluent_kafka import KafkaError, KafkaException, Producer

from pitlake.errors import BrokerError
from pitlake.streams.connections import ANSWER_SECONDS, MAX_RECORD_BYTES, broker_error, client_config, no_answer

_CALL_SECONDS = 1.0
# A broker that is away for less does no harm. Longer than this, a transaction is aborted by the broker itself.
_TRANSACTION_MS = 10 * 60 * 1000
# While the broker still writes the markers of a commit, it refuses the same producer's next transaction, and librdkafka tries
# again 20 ms later. Producers that take turns hardly meet that (records of 1 KB one by one: p99 27 ms with one producer, 5.4 ms
# with two). An id that is no longer used would not fence its predecessor, so there must never be fewer.
_LANES = 2
# A transaction's records go out in large requests. None waits that long: a commit sends at once what is left.
_LINGER_MS = 20
_FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 - librdkafka's own name


Outgoing: TypeAlias = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""A record to be published: value, key, headers. A plain tuple, as there may be a hundred thousand in a second."""


class Fenced(BrokerError):
    """Another process has opened the same transactional id: this one may write no more."""

    transient = False


class Stopped(BrokerError):
    """The publisher was told to stop while it waited for the broker; the fate of its last group is not known."""


class TransactionalPublisher:
    """The one publisher of a transactional id. `publish` is for one thread; `stop` and `close` may be called from any."""

    def __init__(self, bootstrap: str, transactional_id: str) -> None:
        self._bootstrap = bootstrap
        self._id = transactional_id
        self._stopped = threading.Event()
        self._publishing = threading.Lock()
        self._lanes = [_producer(bootstrap, f"{transactional_id}.{lane}") for lane in range(_LANES)]
        self._turns = itertools.cycle(self._lanes)

    def open(self) -> None:
        """Become the owner: when this returns, nothing of an earlier owner is under way. Raises BrokerError."""
        try:
            for producer in self._lanes:
                producer.init_transactions(ANSWER_SECONDS)
        except KafkaException as fault:
            raise broker_error(self._bootstrap, fault, f"transactions of {self._id}") from fault

    def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Return when all of the records are in the topic, in order per key; a broker that is away is waited for.

        Raises Fenced, Stopped, and BrokerError for what cannot be mended; then the fate of the records is for the next owner to
        find out.
        """
        producer = next(self._turns)
        with self._publishing:
            try:
                while not self._is_committed(producer, topic, records):
                    pass
            except KafkaException as fault:
                raise self._failure(fault) from fault

    def stop(self) -> None:
        """Make `publish` give up waiting for a broker that is away."""
        self._stopped.set()

    def _is_committed(self, producer: Producer, topic: str, records: Sequence[Outgoing]) -> bool:
        """Try one transaction. False when it was aborted: then none of it is visible, and it may be tried again."""
        producer.poll(0)
        producer.begin_transaction()
        try:
            for value, key, headers in records:
                producer.produce(topic, value, key, headers=headers)  # type: ignore[arg-type]  # lists are invariant
            self._patiently(producer.commit_transaction)
        except KafkaException as fault:
            if not fault.args[0].txn_requires_abort():
                raise
            self._patiently(producer.abort_transaction)
            return False
        return True

    def _patiently(self, end: Callable[[float], object]) -> None:
        """End a transaction, however long the broker is away."""
        while True:
            try:
                end(_CALL_SECONDS)
            except KafkaException as fault:
                if not fault.args[0].retriable():
                    raise
                if self._stopped.is_set():
                    away = no_answer(self._bootstrap)
                    raise Stopped(f"{away.what} Its last records may be in the topic or not.", do=away.do) from fault
            else:
                return

    def _failure(self, fault: KafkaException) -> BrokerError:
        if fault.args[0].code() in _FENCED:
            return Fenced(f"Another process has taken over {self._id}.", do="Run one endpoint for a landing table at a time.")
        return broker_error(self._bootstrap, fault, f"a transaction of {self._id}")

    def close(self) -> None:
        """Stop, and end the connections."""
        self.stop()
        with self._publishing:
            for producer in self._lanes:
                # One that was fenced raises its fault once more, in this way.
                with suppress(KafkaException, SystemError):
                    producer.close()


def _producer(bootstrap: str, transactional_id: str) -> Producer:
    return Producer(
        client_config(
            bootstrap,
            transactional_id=transactional_id,
            transaction_timeout_ms=_TRANSACTION_MS,
            message_timeout_ms=_TRANSACTION_MS,
            linger_ms=_LINGER_MS,
            message_max_bytes=MAX_RECORD_BYTES,
            queue_buffering_max_messages=0,
            queue_buffering_max_kbytes=1024 * 1024,
            # Java's choice of partition, so that other clients' records of the same key go the same way.
            partitioner="murmur2_random",
        )
    )
