"""A landing table's topic, as its one owner writes it.

Why transactions, and not an idempotent producer alone: a previous owner's records may still be on their way when it is thought
dead, in its own queue or in the broker's. Opening the transactional id ends that for good: what the previous owner had under way
is aborted, and the broker takes nothing more from it. Only then is the tail read. A record is acknowledged after its transaction
is committed, so what was acknowledged is what readers of committed records see, each once. Who reads uncommitted records too may
see, after a crash, one that was aborted and sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pitlake.streams.consumers import TopicReader, kept_offsets
from pitlake.streams.transactions import Outgoing, Stopped, TransactionalPublisher

_TAIL_RECORDS = 10_000
_TAIL_SECONDS = 0.02


class LandingLog:
    """The records of one topic. `open` before all else; one thread may send and one commit; `stop` is for any."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._publisher = TransactionalPublisher(bootstrap, topic, f"pitlake.ingest.{topic}")

    def open(self, length: int) -> Iterator[list[bytes]]:
        """Become the owner, and give the topic's last records, the oldest first: `length` offsets at most.

        Raises BrokerError, and Stopped when it is told to stop meanwhile: a broker that is away is waited for.
        """
        self._publisher.open()
        kept = kept_offsets(self._bootstrap, self._topic) or {}
        share = max(length // max(len(kept), 1), 1)
        starts = {partition: max(offsets.start, offsets.stop - share) for partition, offsets in kept.items() if offsets}
        if not starts:
            return
        with TopicReader(self._bootstrap, self._topic, starts, follow=False) as reader:
            while not reader.at_end:
                if self._publisher.is_stopped:
                    raise Stopped(f"{self._topic} was told to stop before it was read.", do="Start it again.")
                yield [record.value or b"" for record in reader.take(_TAIL_RECORDS, _TAIL_SECONDS)]

    def send(self, records: Sequence[Outgoing]) -> None:
        """Return when the broker has all records, behind those sent before; see TransactionalPublisher. Raises BrokerError."""
        self._publisher.send(records)

    def commit(self) -> None:
        """Return when the oldest group that was sent is durable. Raises BrokerError; then its fate is not known."""
        self._publisher.commit()

    def stop(self) -> None:
        """Give up waiting for a broker that is away; see TransactionalPublisher."""
        self._publisher.stop()

    def close(self) -> None:
        """End the connection."""
        self._publisher.close()
