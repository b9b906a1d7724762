"""What the names in a pipeline's queries read: landing topics, the pipeline's own datasets inlined, Delta tables."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pitlake.engine.expectations import without_dropped
from pitlake.errors import DefinitionError
from pitlake.lake.names import TableName
from pitlake.lake.source import DeltaTableSource
from pitlake.pipelines.definitions import CdcFlow, Dataset, DatasetKind, Flow, Location, Pipeline
from pitlake.pipelines.names import bare_name

LANDING_ID = "landing_id"

_KAFKA_OPTIONS = {
    "startingOffsets": "earliest",
    # The broker answers a fetch after this long even when there is little to send; its default of 500 ms is a second's half.
    "kafka.fetch.max.wait.ms": "10",
    "kafka.max.partition.fetch.bytes": "10485760",
}


def landing_stream(session: SparkSession, bootstrap: str, topic: str) -> DataFrame:
    """A landing topic as a stream: Spark's Kafka columns and `landing_id`, the partition and offset as one sortable string."""
    reader = session.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
    stream = reader.options(**_KAFKA_OPTIONS).load()
    return stream.withColumn(LANDING_ID, F.format_string("%05d-%019d", "partition", "offset"))


class GraphReader:
    """Resolves the names that a pipeline's queries read, and notes who read whom.

    An upstream stream of the pipeline is inlined: its query is called anew and its dropping expectations are applied, so that a
    flow's state and its landing offsets are in one checkpoint. `landing` names the topics that may be read as streams, `tables` what
    the lake holds.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        session: SparkSession,
        *,
        bootstrap: str,
        lake: str,
        catalog: str,
        schema: str,
        landing: Collection[str],
        tables: Collection[TableName],
    ) -> None:
        self._pipeline = pipeline
        self._session = session
        self._bootstrap = bootstrap
        self._lake = lake
        self._catalog = catalog
        self._schema = schema
        self._landing = frozenset(landing)
        self._tables = frozenset(tables)
        self._stack: list[tuple[str, Location]] = []
        self.reads: dict[str, set[str]] = {}

    @property
    def session(self) -> SparkSession:
        """The session that the pipeline's other calls on `spark` are delegated to."""
        return self._session

    def query(self, name: str, flow: Flow) -> DataFrame:
        """Call a flow's query function as the definition of `name`; what it reads is noted as read by `name`."""
        with self._defining(name, flow.location):
            return flow.query()

    def stream(self, name: str) -> DataFrame:
        """Resolve `spark.readStream.table(name)`.

        Raises DefinitionError when there is no such stream, when it closes a cycle, or when its table is not append-only.
        """
        bare = self._note(name)
        dataset = self._pipeline.datasets.get(bare)
        if dataset is not None:
            return self._inlined(dataset)
        if bare in self._landing:
            return landing_stream(self._session, self._bootstrap, bare)
        raise self._unknown(name, {*self._pipeline.datasets, *self._landing}, "stream")

    def batch(self, name: str) -> DataFrame:
        """Resolve `spark.read.table(name)`: a Delta table's snapshot, read anew at each batch of a joined stream."""
        bare = self._note(name)
        dataset = self._pipeline.datasets.get(bare)
        if dataset is not None and dataset.kind is DatasetKind.TEMPORARY_VIEW:
            return self._inlined(dataset)
        table = TableName.parse(bare) if "." in bare else TableName(self._catalog, self._schema, bare)
        if table not in self._tables:
            raise self._unknown(name, {known.name for known in self._tables}, "table")
        return self._session.read.format(DeltaTableSource.name()).option("path", table.path(self._lake)).load()

    def _inlined(self, dataset: Dataset) -> DataFrame:
        flows = [flow for flow in self._pipeline.flows if flow.target == dataset.name]
        if any(isinstance(flow, CdcFlow) for flow in flows):
            raise self._here(
                f"{dataset.name} is kept by a CDC flow, so it is not append-only and cannot be read as a stream",
                do=f"Read it with spark.read.table, or read the source of its flow ({flows[0].name}).",
            )
        frames = [self.query(dataset.name, flow) for flow in flows if isinstance(flow, Flow)]
        if not frames:
            raise self._here(f"{dataset.name} has no flow to read from", do=f"Add an append_flow with target={dataset.name!r}.")
        rows = reduce(lambda left, right: left.unionByName(right), frames)
        return without_dropped(rows, dataset.expectations)

    def _note(self, name: str) -> str:
        bare = bare_name(name, self._catalog, self._schema)
        if self._stack:
            self.reads.setdefault(self._stack[-1][0], set()).add(bare)
        return bare

    @contextmanager
    def _defining(self, name: str, location: Location) -> Iterator[None]:
        if name in (path := [reader for reader, _ in self._stack]):
            cycle = " → ".join([*path[path.index(name) :], name])
            raise self._here(f"the datasets read each other in a circle: {cycle}", do="Break the circle at one of them.")
        self._stack.append((name, location))
        try:
            yield
        finally:
            self._stack.pop()

    def _unknown(self, name: str, known: Collection[str], what: str) -> DefinitionError:
        near = difflib.get_close_matches(name.rsplit(".", maxsplit=1)[-1], known, n=1)
        do = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(sorted(known)) or 'nothing yet'}."
        return self._here(f"there is no {what} named {name}", do=do)

    def _here(self, what: str, *, do: str) -> DefinitionError:
        location = self._stack[-1][1] if self._stack else None
        return DefinitionError(what, do=do, file=location.file if location else None, line=location.line if location else None)
