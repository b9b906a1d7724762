"""What Spark tells of a query's batch once it has committed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession

from pitlake.engine.plans import JvmObject

Offsets: TypeAlias = dict[str, dict[str, int]]
"""Per topic and partition, the next to read. Partitions are texts, as in Spark's JSON."""


@dataclass(frozen=True)
class CommittedBatch:
    """A batch of the query `flow`: `progress` is Spark's own report."""

    flow: str
    batch_id: int
    offsets: Offsets
    progress: Mapping[str, Any]

    @classmethod
    def of(cls, progress: Mapping[str, Any]) -> CommittedBatch:
        """The batch that a StreamingQueryProgress, as its JSON has it, is about."""
        offsets: Offsets = {}
        for source in progress["sources"]:
            offsets.update(source["endOffset"] or {})
        return cls(progress["name"] or "", progress["batchId"], offsets, progress)


@contextmanager
def committed_batches(session: SparkSession, tell: Callable[[CommittedBatch], None]) -> Iterator[None]:
    """While the block lasts, `tell` of each batch that a query of the session has committed, from a thread of Spark's.

    Spark reports progress once a batch, after its offsets are committed.
    """
    context = session.sparkContext
    ensure_callback_server_started(context._gateway)  # type: ignore[no-untyped-call]  # noqa: SLF001 - as session.streams.addListener does
    wrapper = context._jvm.org.apache.spark.sql.streaming.PythonStreamingQueryListenerWrapper  # type: ignore[union-attr]  # noqa: SLF001
    listener, streams = wrapper(_Listener(tell)), session._jsparkSession.streams()  # noqa: SLF001
    streams.addListener(listener)
    try:
        yield
    finally:
        streams.removeListener(listener)


class _Listener:
    """A listener that asks the JVM one thing per batch.

    Spark's own Python listener asks for each figure, and py4j looks for a class of the name of each on the whole class path:
    at a batch boundary, where it is not wanted.
    """

    def __init__(self, tell: Callable[[CommittedBatch], None]) -> None:
        self._tell = tell

    def onQueryProgress(self, event: JvmObject) -> None:  # noqa: N802 - Spark's names, here and below
        self._tell(CommittedBatch.of(orjson.loads(event.progress().json())))

    def onQueryStarted(self, event: JvmObject) -> None:  # noqa: N802
        """Nothing is committed yet."""

    def onQueryIdle(self, event: JvmObject) -> None:  # noqa: N802
        """An idle query commits nothing."""

    def onQueryTerminated(self, event: JvmObject) -> None:  # noqa: N802
        """The update watches for ended queries itself."""

    class Java:
        """What py4j reads the implemented interface from."""

        implements = ("org.apache.spark.sql.streaming.PythonStreamingQueryListener",)
