"""What the names in a pipeline's queries read: landing topics, the pipeline's own datasets inlined, Delta tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pitlake.engine.declarations import declared_struct
from pitlake.engine.expectations import as_upstream, check_expectations
from pitlake.engine.records import rows_of_records
from pitlake.errors import DefinitionError, LakeError, PitlakeError
from pitlake.lake.names import TableName
from pitlake.lake.source import PRUNING, DeltaTableSource
from pitlake.lake.spec import TableSpec
from pitlake.pipelines.definitions import CdcFlow, Dataset, DatasetKind, Flow, Location, Pipeline
from pitlake.pipelines.locations import error_at, raised_location, reached_location
from pitlake.pipelines.names import bare_name, suggestion

LANDING_ID = "landing_id"

_KAFKA_OPTIONS = {
    "startingOffsets": "earliest",
    "kafka.max.partition.fetch.bytes": "10485760",
    # The endpoint writes in transactions: what one has aborted comes again.
    "kafka.isolation.level": "read_committed",
}


def landing_stream(session: SparkSession, bootstrap: str, topic: str) -> DataFrame:
    """A landing topic as a stream: Spark's Kafka columns and `landing_id`, the partition and offset as one sortable string."""
    stream = topic_stream(session, bootstrap, topic)
    # Padding is compiled; format_string would make a formatter for each record.
    landed = F.concat(
        F.lpad(F.col("partition").cast("string"), 5, "0"), F.lit("-"), F.lpad(F.col("offset").cast("string"), 19, "0")
    )
    return stream.withColumn(LANDING_ID, landed)


def topic_stream(session: SparkSession, bootstrap: str, topic: str, *, with_headers: bool = False) -> DataFrame:
    """A topic as a stream, in Spark's Kafka columns; `headers` is one of them if `with_headers`."""
    reader = session.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
    return reader.options(**_KAFKA_OPTIONS, includeHeaders=with_headers).load()


def table_stream(session: SparkSession, bootstrap: str, spec: TableSpec) -> DataFrame:
    """The rows of a table as they come on its topic, at least once, in the table's columns."""
    return rows_of_records(topic_stream(session, bootstrap, spec.topic, with_headers=True), spec)


@dataclass
class _Definition:
    """A query function that is being called, and whether its next read may take a frame that stands in other queries too."""

    name: str
    location: Location
    may_share: bool
    is_sharing: bool = False


class GraphReader:
    """Resolves the names that a pipeline's queries read, and notes who read whom.

    An upstream stream of the pipeline is inlined, except where a CDC flow follows its topic: its query is called anew and its
    dropping expectations are applied, so that a flow's state and its landing offsets are in one checkpoint. `landing` names the
    topics that may be read as streams, `tables` what the lake holds. A table of the pipeline itself is planned with the columns
    that it will have, which `awaited` notes: it must exist, with them, before a query that reads it starts. `open_side` opens a
    table that streams may be joined with, given its path and, if the pipeline itself keeps it, its columns; without it, Spark
    reads the table.
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
        open_side: Callable[[str, StructType | None], DataFrame] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._session = session
        self._bootstrap = bootstrap
        self._lake = lake
        self._catalog = catalog
        self._schema = schema
        self._landing = frozenset(landing)
        self._tables = frozenset(tables)
        self._open_side = open_side or self._read
        # Opening a table takes time; the frame may stand in any number of queries.
        self._opened: dict[tuple[TableName, bool], DataFrame] = {}
        self._joined: dict[str, set[TableName]] = {}
        self._noting: list[set[TableName]] = []
        """What the inlined datasets that are being defined are joined with, one within the other."""
        self._followed: Mapping[str, TableSpec] = {}
        self._pruning = False
        self._inlined: dict[tuple[str, bool, bool], tuple[DataFrame, set[TableName]]] = {}
        self._stack: list[_Definition] = []
        self.reads: dict[str, set[str]] = {}
        self.awaited: dict[TableName, tuple[str, ...]] = {}

    @property
    def session(self) -> SparkSession:
        """The session that the pipeline's other calls on `spark` are delegated to."""
        return self._session

    def query(self, name: str, flow: Flow) -> DataFrame:
        """Call a flow's query function as the definition of `name`; what it reads is noted as read by `name`.

        Raises DefinitionError, with the line that raised, when the function does.
        """
        with self._defining(name, flow.location):
            return _called(flow)

    def view_query(self, flow: Flow) -> DataFrame:
        """The same for a materialized view: from the tables that it reads, only what may meet its conditions is read.

        A stream's static sides are read whole: they are small, and planning with conditions would hold up each batch.
        """
        self._pruning = True
        try:
            return self.query(flow.target, flow)
        finally:
            self._pruning = False

    def source(self, flow: CdcFlow, followed: Mapping[str, TableSpec]) -> DataFrame:
        """The stream of changes that a CDC flow applies to its target, noted as read by the target.

        Tables in `followed` are read from their topics. These hold a row again when its flow's batch is replayed, which only a
        reader that goes by key and sequence may see.
        """
        self._followed = followed
        try:
            with self._defining(flow.target, flow.location):
                return self.stream(flow.source)
        finally:
            self._followed = {}

    def sides(self, name: str) -> AbstractSet[TableName]:
        """The Delta tables that are joined to the streams of the query of `name`."""
        return self._joined.get(name, set())

    def stream(self, name: str) -> DataFrame:
        """Resolve `spark.readStream.table(name)`.

        Raises DefinitionError when there is no such stream, when it closes a cycle, or when its table is not append-only.
        """
        bare = self._note(name)
        dataset = self._pipeline.datasets.get(bare)
        if bare in self._followed:
            return table_stream(self._session, self._bootstrap, self._followed[bare])
        if dataset is not None:
            return self._checked(self._inline(dataset), name, streaming=True)
        if bare in self._landing:
            return landing_stream(self._session, self._bootstrap, bare)
        raise self._unknown(name, {*self._pipeline.datasets, *self._landing}, "stream")

    def batch(self, name: str) -> DataFrame:
        """Resolve `spark.read.table(name)`: a Delta table's snapshot; a stream's batch is joined with what it is at its start."""
        bare = self._note(name)
        dataset = self._pipeline.datasets.get(bare)
        if dataset is not None and dataset.kind is DatasetKind.TEMPORARY_VIEW:
            return self._checked(self._inline(dataset), name, streaming=False)
        table = self._table_name(bare)
        if dataset is None and table not in self._tables:
            raise self._unknown(name, {*self._stored_names(), *(known.name for known in self._tables)}, "table")
        opened = (table, self._pruning)
        if not self._pruning:
            self._note_sides({table})
        if opened not in self._opened:
            self._opened[opened] = self._open(table, dataset)
        return self._opened[opened]

    def _open(self, table: TableName, dataset: Dataset | None) -> DataFrame:
        schema = None
        if dataset is not None:
            schema = declared_struct(dataset) or self._undeclared(dataset)
            self.awaited[table] = tuple(schema.names)
        read = self._read if self._pruning else self._open_side
        return read(table.path(self._lake), schema)

    def _read(self, path: str, schema: StructType | None) -> DataFrame:
        reader = self._session.read.format(DeltaTableSource.name())
        if self._pruning:
            reader = reader.option(PRUNING, "true")
        return (reader if schema is None else reader.schema(schema)).load(path)

    def _undeclared(self, dataset: Dataset) -> StructType:
        """The columns of a table of the pipeline that declares none: those of its query."""
        if any(isinstance(flow, CdcFlow) for flow in self._pipeline.flows if flow.target == dataset.name):
            raise self._here(
                f"{dataset.name} is kept by a CDC flow and declares no columns, so what it will hold is not known here",
                do=f"Declare the columns of {dataset.name} with schema=.",
            )
        return self._inline(dataset).schema

    def _stored_names(self) -> set[str]:
        return {name for name, dataset in self._pipeline.datasets.items() if dataset.kind is not DatasetKind.TEMPORARY_VIEW}

    def _inline(self, dataset: Dataset) -> DataFrame:
        reader = self._stack[-1]
        # The second frame of a query must have columns of its own: joined to the first, they could not be told apart.
        reader.is_sharing, reader.may_share = reader.may_share, False
        if not reader.is_sharing:
            return self._inlined_anew(dataset)
        key = (dataset.name, self._pruning, bool(self._followed))
        if key not in self._inlined:
            self._noting.append(set())
            try:
                frame = self._inlined_anew(dataset)
            finally:
                sides = self._noting.pop()
            self._inlined[key] = frame, sides
        frame, sides = self._inlined[key]
        self._note_sides(sides)
        return frame

    def _inlined_anew(self, dataset: Dataset) -> DataFrame:
        flows = [flow for flow in self._pipeline.flows if flow.target == dataset.name]
        frames = []
        for flow in flows:
            if isinstance(flow, CdcFlow):
                raise self._here(
                    f"{dataset.name} is kept by a CDC flow, so it is not append-only and cannot be read as a stream",
                    do=f"Read what the flow reads, {flow.source}, with spark.readStream.table.",
                )
            frames.append(self.query(dataset.name, flow))
        rows = reduce(lambda left, right: left.unionByName(right), frames)
        check_expectations(dataset, rows)
        return as_upstream(rows, dataset.expectations, dataset.name)

    def _checked(self, rows: DataFrame, name: str, *, streaming: bool) -> DataFrame:
        if rows.isStreaming is not streaming:
            kind, instead = ("no stream", "spark.read") if streaming else ("a stream", "spark.readStream")
            raise self._here(f"{name} is {kind}", do=f"Read it with {instead}.table.")
        return rows

    def _note_sides(self, tables: Collection[TableName]) -> None:
        self._joined.setdefault(self._stack[0].name, set()).update(tables)
        for noted in self._noting:
            noted.update(tables)

    def _table_name(self, bare: str) -> TableName:
        try:
            return TableName.parse(bare) if "." in bare else TableName(self._catalog, self._schema, bare)
        except LakeError as error:
            raise self._here(error.what.rstrip("."), do=error.do) from error

    def _note(self, name: str) -> str:
        bare = bare_name(name, self._catalog, self._schema)
        self.reads.setdefault(self._stack[-1].name, set()).add(bare)
        return bare

    @contextmanager
    def _defining(self, name: str, location: Location) -> Iterator[None]:
        if name in (path := [definition.name for definition in self._stack]):
            cycle = " → ".join([*path[path.index(name) :], name])
            raise self._here(f"the datasets read each other in a circle: {cycle}", do="Break the circle at one of them.")
        self._stack.append(_Definition(name, location, may_share=not self._stack or self._stack[-1].is_sharing))
        try:
            yield
        finally:
            self._stack.pop()

    def _unknown(self, name: str, known: Collection[str], what: str) -> DefinitionError:
        do = suggestion(name.rsplit(".", maxsplit=1)[-1], known, what=f"{what}s")
        return self._here(f"there is no {what} named {name}", do=do)

    def _here(self, what: str, *, do: str) -> DefinitionError:
        return error_at(reached_location(self._stack[-1].location), what, do)


def _called(flow: Flow) -> DataFrame:
    try:
        rows = flow.query()
    except PitlakeError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        what = f"the query of {flow.name} fails: {type(error).__name__}: {reason}"
        raise error_at(raised_location(error, flow.location), what, "Correct the query.") from error
    if not isinstance(rows, DataFrame):
        raise error_at(flow.location, f"the query of {flow.name} returns {rows!r}", "Return a DataFrame from the function.")
    return rows
