"""Publishing groups of records as transactions: a group is in the topic as a whole or not at all, and only by the owner.

Who opens the publisher of a transactional id fences whoever had it before: that one's open transaction is aborted, and the broker
takes nothing more from it. Readers with `isolation.level=read_committed` never see what was aborted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from confluent_kafka import KafkaError, KafkaException, Producer

from pitlake.errors import BrokerError
from pitlake.streams.connections import ANSWER_SECONDS, MAX_RECORD_BYTES, broker_error, client_config

_CALL_SECONDS = 1.0
_PAUSE_SECONDS = 0.1
# A broker that is away for less does no harm. Longer than this, a transaction is aborted by the broker itself.
_TRANSACTION_MINUTES = 10
_TRANSACTION_MS = _TRANSACTION_MINUTES * 60 * 1000
# While the broker still writes the markers of a commit, it refuses the same producer's next transaction, and librdkafka tries
# again 20 ms later. Producers that take turns hardly meet that: one sends, one commits, and one rests. An id that is no longer
# used would not fence its predecessor, so there must never be fewer.
_LANES = 3
# A transaction's records go out in large requests: while one is on its way and more is left, librdkafka's thread asks over and
# over whether it has gone, for a fifth of a core. No record waits that long: what is left is sent at once.
_LINGER_MS = 20
_BATCH_BYTES = 4 * 1024 * 1024
_BATCH_RECORDS = 1_000_000
_FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 - librdkafka's own name


Outgoing: TypeAlias = tuple[bytes, bytes]
"""A record to be published: value and key. A plain tuple, as there may be a hundred thousand in a second."""


class Fenced(BrokerError):
    """Another process has opened the same transactional id: this one may write no more."""

    transient = False


class Stopped(BrokerError):
    """The publisher was told to stop before its last groups were committed; their fate is not known."""


@dataclass(frozen=True)
class _Transaction:
    """A group that was sent and is not committed yet."""

    producer: Producer
    records: Sequence[Outgoing]


class TransactionalPublisher:
    """The one publisher of a transactional id, to one topic.

    `send` is for one thread and `commit` for another, so that a group travels while the one before is committed; `stop` and
    `close` may be called from any.
    """

    def __init__(self, bootstrap: str, topic: str, transactional_id: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._id = transactional_id
        self._stopped = threading.Event()
        self._sending = threading.Lock()
        self._committing = threading.Lock()
        self._lanes = deque(_producer(bootstrap, f"{transactional_id}.{lane}") for lane in range(_LANES))
        self._sent: deque[_Transaction] = deque()

    def open(self) -> None:
        """Become the owner: when this returns, nothing of an earlier owner is under way. Raises BrokerError."""
        try:
            for producer in self._lanes:
                producer.init_transactions(ANSWER_SECONDS)
        except KafkaException as fault:
            raise broker_error(self._bootstrap, fault, f"transactions of {self._id}") from fault

    def send(self, records: Sequence[Outgoing]) -> None:
        """Return when the broker has all of the records, behind those sent before; they are not to be seen until `commit`.

        Two groups at most may be sent and not committed. A broker that is away is waited for. When it refuses a record, the
        group's commit sends all of them again. Raises Fenced, Stopped, and BrokerError for what cannot be mended; then the fate
        of the records is for the next owner to find out.
        """
        with self._sending, self._telling():
            self._lanes.rotate(-1)
            transaction = _Transaction(self._lanes[0], records)
            self._write(transaction)
            self._sent.append(transaction)

    def commit(self) -> None:
        """Return when the oldest group that was sent is in the topic for good; readers see it at once or a moment later.

        Raises as `send` does.
        """
        with self._committing, self._telling():
            if not self._is_ended(self._sent[0].producer.commit_transaction):
                self._commit_again()
            self._sent.popleft()

    @property
    def is_stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Make `send` and `commit` give up waiting for a broker that is away, or that refuses what it is sent."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and end the connections. What is not committed is left for the next owner to abort."""
        self.stop()
        with self._committing, self._sending:
            # A producer's own `close` would wait for as long as the broker is away.
            self._sent.clear()
            self._lanes.clear()

    def _write(self, transaction: _Transaction) -> None:
        """Bring a group to the broker. When some of it cannot be delivered, its commit is refused."""
        producer = transaction.producer
        producer.poll(0)
        producer.begin_transaction()
        try:
            for value, key in transaction.records:
                producer.produce(self._topic, value, key)
        except KafkaException:
            if not _is_lost(producer):
                raise
        while producer.flush(_CALL_SECONDS) and not _is_lost(producer):
            if self._stopped.is_set():
                raise self._given_up()

    def _commit_again(self) -> None:
        """The oldest transaction is lost. Those behind it are aborted too and written after it, so that the order stays."""
        with self._sending:
            oldest, *later = self._sent
            for transaction in self._sent:
                self._abort(transaction)
            self._write(oldest)
            while not self._is_ended(oldest.producer.commit_transaction):
                self._abort(oldest)
                self._write(oldest)
            for transaction in later:
                self._write(transaction)

    def _abort(self, transaction: _Transaction) -> None:
        """Abort it, after a moment: what was refused may be refused over and over, and each time takes room in the topic."""
        while not self._stopped.wait(_PAUSE_SECONDS):
            if self._is_ended(transaction.producer.abort_transaction):
                return
        raise self._given_up()

    def _is_ended(self, end: Callable[[float], object]) -> bool:
        """End a transaction, however long the broker is away. False when it can only be aborted."""
        while True:
            try:
                end(_CALL_SECONDS)
            except KafkaException as fault:
                if fault.args[0].txn_requires_abort():
                    return False
                if not fault.args[0].retriable():
                    raise
                if self._stopped.is_set():
                    raise self._given_up() from fault
            else:
                return True

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Kafka's faults as ours."""
        try:
            yield
        except KafkaException as fault:
            if fault.args[0].code() in _FENCED:
                what = f"Another process has taken over {self._id}, or the broker was away for {_TRANSACTION_MINUTES} minutes."
                raise Fenced(what, do="Run one endpoint for a landing table at a time, and start it again.") from fault
            raise broker_error(self._bootstrap, fault, f"a transaction of {self._id}") from fault

    def _given_up(self) -> Stopped:
        return Stopped(
            f"The last records of {self._id} were not committed before it was told to stop: they may be in the topic or not.",
            do="Start it again: it finds out, and clients send again what was not acknowledged.",
        )


def _is_lost(producer: Producer) -> bool:
    """Whether the producer's transaction can only be aborted, or not even that: what it has left is then never sent."""
    try:
        # Nothing else tells: in a transaction that goes well this is a mistake, and only a mistake.
        producer.begin_transaction()
    except KafkaException as fault:
        error: KafkaError = fault.args[0]
        return error.txn_requires_abort() or error.fatal()
    return False


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
            batch_size=_BATCH_BYTES,
            batch_num_messages=_BATCH_RECORDS,
            # Java's choice of partition, so that other clients' records of the same key go the same way.
            partitioner="murmur2_random",
        )
    )
