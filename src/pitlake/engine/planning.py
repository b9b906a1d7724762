"""A graph of definitions made into plans: per flow, the records it publishes and the table that the writer makes of them.

Everything that can be wrong with a pipeline is found here, before any query starts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pitlake.engine.events import EVENT_LOG
from pitlake.engine.expectations import check_expectations, with_failed_expectations
from pitlake.engine.plans import PlanFacts
from pitlake.engine.properties import PROPERTIES, REPLICAS, left_out
from pitlake.engine.records import DELETED, as_records, of_replica
from pitlake.engine.sinks import check_sinks, delta_spec, kafka_records
from pitlake.engine.sources import GraphReader
from pitlake.engine.specs import milliseconds, quarantine_spec, table_spec
from pitlake.lake.names import TableName
from pitlake.lake.spec import QUARANTINE_SUFFIX, TableSpec, WriteMode
from pitlake.pipelines.definitions import Action, CdcFlow, Dataset, DatasetKind, Flow, Pipeline, Sink, SinkFormat
from pitlake.pipelines.locations import error_at
from pitlake.pipelines.names import bare_name, suggestion
from pitlake.pipelines.reading import reading

DEFAULT_INTERVAL = "1 minute"
# Real-time mode refuses to checkpoint more often.
MINIMUM_INTERVAL_MS = 5_000
REAL_TIME = "RealTime"
REPLICA_COUNTS = ("1", "2")
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class FlowPlan:
    """One query into a table, which may be that of a Delta sink: `records` are ready for the table's topic.

    `interval`, in Spark's words, is the checkpoint interval of a streaming query, and how often a materialized view is refreshed.
    `is_real_time` says that the flow itself asks for real-time mode, whatever mode the update runs in. `follows` are, by bare
    name and in order, the tables of the pipeline whose topics it reads in place of their queries; a follower reads nothing else.
    `is_replicated` says that in real time two queries compute the flow, each for itself: while one is between two batches, the
    other goes on.
    """

    name: str
    spec: TableSpec
    records: DataFrame
    interval: str
    quarantines: bool = False
    is_real_time: bool = False
    sink: Sink | None = None
    follows: tuple[str, ...] = ()
    is_follower: bool = False
    is_replicated: bool = False

    @property
    def table(self) -> str:
        """The full name of the table."""
        return self.spec.name

    @property
    def sink_name(self) -> str | None:
        """The name of the sink whose table it is."""
        return self.sink.name if self.sink else None

    @property
    def target(self) -> str:
        """The bare name of what the flow writes, as the pipeline knows it."""
        return self.sink_name or TableName.parse(self.spec.name).name

    @property
    def checkpoint(self) -> str:
        """Where the query's checkpoint is, below the folder of all.

        Offsets of one topic are of no use for another: a flow that begins to follow another table begins another checkpoint.
        """
        followed = f"@{'+'.join(self.follows)}" if self.follows else ""
        return f"{self.spec.name}/{self.name}{followed}"

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to which this flow publishes."""
        return (self.spec.topic, self.spec.topic + QUARANTINE_SUFFIX) if self.quarantines else (self.spec.topic,)

    @property
    def refreshes(self) -> bool:
        """Whether this is the batch query of a materialized view."""
        return self.spec.mode is WriteMode.REFRESH


@dataclass(frozen=True)
class SinkPlan:
    """One query into a Kafka sink; `records` are the sink's own. `schema` is the pipeline's, in full."""

    name: str
    sink: Sink
    schema: str
    records: DataFrame
    interval: str
    updates: bool = False
    is_real_time: bool = False

    @property
    def table(self) -> None:
        """There is no table."""
        return

    @property
    def sink_name(self) -> str:
        """The name of the sink."""
        return self.sink.name

    @property
    def target(self) -> str:
        """The bare name of what the flow writes, as the pipeline knows it."""
        return self.sink.name

    @property
    def checkpoint(self) -> str:
        """Where the query's checkpoint is, below the folder of all."""
        return f"{self.schema}.{self.sink.name}/{self.name}"


StreamPlan = FlowPlan | SinkPlan


def replica_of(plan: FlowPlan) -> FlowPlan:
    """The plan of a replicated flow's second query, which has a name and a checkpoint of its own.

    The rows that an aggregation refuses are the first's alone, as their quarantine would hold them twice. The quarantine of an
    append table has its keys, so either may send them: were the two to differ over a row, it must not be in neither table.
    """
    sends_refused = plan.spec.mode is WriteMode.APPEND
    records = plan.records if sends_refused else plan.records.where(f"topic = '{plan.spec.topic}'")
    return replace(plan, name=f"{plan.name}~2", records=of_replica(records))


@dataclass(frozen=True)
class UpdatePlan:
    """All flows of an update, the tables that they fill, and who reads whom (reader → names read).

    `flows` write tables, those of Delta sinks among them, `sinks` Kafka sinks. `awaited` are the tables of the pipeline that its
    own queries read as static sides, with the columns that they must have; `sides` all tables that are joined to a stream.
    `left_out` names, per table of the pipeline, its properties of Delta that the local table does not get.
    """

    flows: tuple[FlowPlan, ...]
    specs: tuple[TableSpec, ...]
    reads: Mapping[str, frozenset[str]]
    awaited: Mapping[TableName, tuple[str, ...]]
    sides: frozenset[TableName] = frozenset()
    sinks: tuple[SinkPlan, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def plans(self) -> Sequence[StreamPlan]:
        """Every flow, into tables and sinks alike."""
        return [*self.flows, *self.sinks]


def plan_update(
    pipeline: Pipeline,
    reader: GraphReader,
    *,
    catalog: str,
    schema: str,
    epoch: int,
    first: str | None = None,
    on_first: Callable[[StreamPlan], None] = lambda _: None,
) -> UpdatePlan:
    """Plan every flow of the pipeline. `epoch` marks the rows of this update's driver.

    The flow named `first` is planned before the others, and `on_first` gets its plan when they are yet to be.
    Raises DefinitionError, naming file and line, for whatever cannot be run.
    """
    planner = _Planner(pipeline, reader, catalog, schema, epoch)
    for dataset in pipeline.datasets.values():
        _check_place(dataset, pipeline, catalog, schema)
        _check_properties(dataset)
    quarantines = [name + QUARANTINE_SUFFIX for name, dataset in pipeline.datasets.items() if _quarantines(dataset)]
    check_sinks(pipeline, quarantines, catalog, schema)
    with reading(reader):
        plans = list(planner.plans(first, on_first))
    flows = tuple(plan for plan in plans if isinstance(plan, FlowPlan))
    streams = [plan for plan in plans if isinstance(plan, SinkPlan) or not plan.refreshes]
    _check_agreement(pipeline, flows)
    _check_circles(pipeline, reader.reads)
    return UpdatePlan(
        flows=flows,
        specs=tuple(specs_of(flows)),
        reads={name: frozenset(read) for name, read in reader.reads.items()},
        awaited=dict(reader.awaited),
        sides=frozenset(table for plan in streams for table in reader.sides(plan.target)),
        sinks=tuple(plan for plan in plans if isinstance(plan, SinkPlan)),
        left_out={name: out for name, dataset in pipeline.datasets.items() if (out := left_out(dataset.table_properties))},
    )


def specs_of(flows: Sequence[FlowPlan]) -> Iterator[TableSpec]:
    """The tables that the flows fill, quarantines among them."""
    by_table = {flow.spec.name: flow for flow in flows}
    for flow in by_table.values():
        yield flow.spec
        if flow.quarantines:
            yield quarantine_spec(flow.spec)


class _Planner:
    def __init__(self, pipeline: Pipeline, reader: GraphReader, catalog: str, schema: str, epoch: int) -> None:
        self._pipeline = pipeline
        self._reader = reader
        self._catalog = catalog
        self._schema = schema
        self._epoch = epoch
        self._streams: dict[str, TableSpec] = {}

    def is_view(self, name: str) -> bool:
        dataset = self._pipeline.datasets.get(name)
        return dataset is not None and dataset.kind is DatasetKind.TEMPORARY_VIEW

    def plans(self, first: str | None, on_first: Callable[[StreamPlan], None]) -> Iterator[StreamPlan]:
        """The plans of all flows into tables and sinks, in the order of their definition.

        CDC flows are planned last: they may follow what the others write.
        """
        flows = [flow for flow in self._pipeline.flows if not self.is_view(flow.target)]
        planned = {}
        for flow in sorted(flows, key=lambda flow: (isinstance(flow, CdcFlow), flow.name != first)):
            planned[flow.name] = self.plan(flow)
            if flow.name == first and not isinstance(flow, CdcFlow):
                on_first(planned[flow.name])
        return (planned[flow.name] for flow in flows)

    def plan(self, flow: Flow | CdcFlow) -> StreamPlan:
        sink = self._pipeline.sinks.get(flow.target)
        try:
            if sink is not None and isinstance(flow, Flow):
                return self._into_sink(flow, sink)
            return self._planned(flow, self._pipeline.datasets[flow.target], self._rows(flow))
        except PySparkException as error:
            reason = str(error).strip().partition("\n")[0]
            what = f"the query of {flow.name} cannot be analyzed: {reason}"
            raise error_at(flow.location, what, "Correct the query.") from error

    def _rows(self, flow: Flow | CdcFlow) -> DataFrame:
        if isinstance(flow, CdcFlow):
            return self._cdc_rows(flow)
        rows = self._reader.query(flow.target, flow)
        return rows if rows.isStreaming else self._reader.view_query(flow)

    def _cdc_source(self, flow: CdcFlow) -> DataFrame:
        """A CDC flow applies a change again without harm, so it follows the topics of other tables: their queries ran already.

        Not where it aggregates: a row that comes twice would be counted twice.
        """
        followed = self._reader.source(flow, self._streams)
        return self._reader.source(flow, {}) if PlanFacts(followed).aggregations else followed

    def _cdc_rows(self, flow: CdcFlow) -> DataFrame:
        source = self._cdc_source(flow)
        deletes = F.lit(False) if flow.delete_when is None else flow.delete_when
        deleted = F.expr(deletes) if isinstance(deletes, str) else deletes
        kept = [c for c in flow.columns or source.columns if c not in (flow.except_columns or ())]
        missing = [c for c in (*flow.keys, *flow.sequence_by) if c not in kept]
        if missing:
            raise error_at(
                flow.location,
                f"{flow.target}: {', '.join(missing)} is a key or a sequence of {flow.name} and no column of it",
                f"Columns of {flow.source}: {', '.join(source.columns)}; keys and sequence must be stored in the table.",
            )
        return source.withColumn(DELETED, deleted).select(*kept, DELETED)

    def _planned(self, flow: Flow | CdcFlow, dataset: Dataset, rows: DataFrame) -> FlowPlan:
        facts = PlanFacts(rows)
        _check_query(flow, dataset, facts)
        check_expectations(dataset, rows)
        spec = table_spec(TableName(self._catalog, self._schema, dataset.name), flow, dataset, rows, facts)
        if spec.mode in (WriteMode.APPEND, WriteMode.UPSERT):
            self._streams[flow.target] = spec
        _check_lanes(flow, spec, facts)
        judged = with_failed_expectations(rows, dataset.expectations, dataset.name)
        follows = tuple(sorted(name for name, followed in self._streams.items() if followed.topic in facts.topics))
        return FlowPlan(
            name=flow.name,
            spec=spec,
            records=as_records(judged, spec, dataset.expectations, flow=flow.name, epoch=self._epoch),
            interval=_interval(flow, dataset.table_properties, dataset.spark_conf),
            quarantines=_quarantines(dataset),
            is_real_time=_is_real_time(flow, dataset.spark_conf),
            follows=follows,
            is_follower=bool(follows) and len(follows) == len(facts.topics),
            is_replicated=_is_replicated(dataset, spec),
        )

    def _into_sink(self, flow: Flow, sink: Sink) -> StreamPlan:
        rows = self._reader.query(sink.name, flow)
        facts = PlanFacts(rows)
        _check_follows(flow, facts)
        interval, is_real_time = _interval(flow), _is_real_time(flow)
        if sink.format is SinkFormat.KAFKA:
            records, schema = kafka_records(flow, sink, rows, facts), f"{self._catalog}.{self._schema}"
            return SinkPlan(flow.name, sink, schema, records, interval, flow.updates, is_real_time)
        spec = delta_spec(flow, sink, rows, facts, self._catalog, self._schema)
        judged = with_failed_expectations(rows, (), sink.name)
        records = as_records(judged, spec, (), flow=flow.name, epoch=self._epoch)
        return FlowPlan(flow.name, spec, records, interval, is_real_time=is_real_time, sink=sink)


def _is_replicated(dataset: Dataset, spec: TableSpec) -> bool:
    given = dataset.table_properties.get(REPLICAS, "1")
    if given not in REPLICA_COUNTS:
        what = f"{dataset.name}: {given!r} is no number of replicas"
        raise error_at(dataset.location, what, f"Use {' or '.join(REPLICA_COUNTS)}.")
    if given != "1" and not _may_come_from_two(spec):
        raise error_at(
            dataset.location,
            f"{dataset.name} has {REPLICAS} and cannot be computed by two queries",
            "Leave it out: only an aggregation of a stream can, and an append table whose schema= has a PRIMARY KEY.",
        )
    return given != "1"


def _may_come_from_two(spec: TableSpec) -> bool:
    """By count or fence. Of equal sequences the later row stands: a query that lags, and ends there, would leave an older one."""
    return spec.mode is WriteMode.UPSERT or (spec.mode is WriteMode.APPEND and bool(spec.keys))


def _quarantines(dataset: Dataset) -> bool:
    return any(expectation.action is Action.DROP for expectation in dataset.expectations)


def _check_query(flow: Flow | CdcFlow, dataset: Dataset, facts: PlanFacts) -> None:
    if dataset.kind is DatasetKind.MATERIALIZED_VIEW and facts.streams:
        raise error_at(
            dataset.location,
            f"{dataset.name} is a materialized view and reads a stream",
            "Read its upstream with spark.read.table, or define it with @dp.table.",
        )
    if dataset.kind is DatasetKind.STREAMING_TABLE or facts.streams:
        _check_follows(flow, facts)
    if facts.aggregations and not facts.groupings:
        raise error_at(
            flow.location,
            f"{flow.target} aggregates all rows into one, which has no key",
            "Group by a window or by columns of the stream.",
        )


def _check_follows(flow: Flow | CdcFlow, facts: PlanFacts) -> None:
    if not facts.streams:
        raise error_at(
            flow.location,
            f"{flow.target} reads no stream, so there is nothing to follow",
            "Read an upstream with spark.readStream.table.",
        )
    if facts.aggregations > 1:
        raise error_at(
            flow.location,
            f"{flow.target} aggregates what is already aggregated, which no streaming query can",
            "Aggregate the rows of the upstream's own source.",
        )


def _check_lanes(flow: Flow | CdcFlow, spec: TableSpec, facts: PlanFacts) -> None:
    if spec.mode is WriteMode.APPEND and spec.keys and facts.streams > 1:
        raise error_at(
            flow.location,
            f"{flow.target} has a primary key, and its flow {flow.name} reads {facts.streams} streams in one query",
            "Define it with dp.create_streaming_table and give each stream an append flow: a replay is told by its flow.",
        )


def _check_place(dataset: Dataset, pipeline: Pipeline, catalog: str, schema: str) -> None:
    if bare_name(dataset.written_as or dataset.name, catalog, schema) != dataset.name:
        what = f"{dataset.written_as} lies outside of {catalog}.{schema}, where this pipeline's tables are"
        raise error_at(dataset.location, what, "Name the table alone, or run the pipeline with another catalog and schema.")
    if dataset.name == EVENT_LOG:
        what = f"{dataset.name} has the name of the table in which the pipeline's events are"
        raise error_at(dataset.location, what, "Give it another name.")
    quarantined = pipeline.datasets.get(dataset.name.removesuffix(QUARANTINE_SUFFIX))
    if quarantined is not None and quarantined is not dataset and _quarantines(quarantined):
        what = f"{dataset.name} has the name of the table for rows that {quarantined.name} refuses"
        raise error_at(dataset.location, what, "Give it another name.")


def _check_properties(dataset: Dataset) -> None:
    for name in dataset.table_properties:
        if name.startswith("pitlake.") and name not in PROPERTIES:
            what = f"{dataset.name} has the unknown property {name}"
            raise error_at(dataset.location, what, suggestion(name, PROPERTIES, what="properties"))


def _check_agreement(pipeline: Pipeline, flows: Sequence[FlowPlan]) -> None:
    """Flows that append to one table must make the same table of it."""
    first: dict[str, FlowPlan] = {}
    for plan in flows:
        other = first.setdefault(plan.spec.name, plan)
        if other is not plan and plan.spec.mode is WriteMode.UPSERT:
            location = next(flow.location for flow in pipeline.flows if flow.name == plan.name)
            what = f"{plan.name} and {other.name} both aggregate into {plan.spec.name}, and each would replace the other's rows"
            raise error_at(location, what, "Aggregate in one query over the union of what they read.")
        if other.spec != plan.spec:
            differing = [name for name, value in plan.spec if value != getattr(other.spec, name)]
            location = next(flow.location for flow in pipeline.flows if flow.name == plan.name)
            what = f"{plan.name} and {other.name} write {plan.spec.topic} and differ in its {', '.join(differing)}"
            raise error_at(location, what, "Give both queries the same columns, in the same order and of the same types.")


def _check_circles(pipeline: Pipeline, reads: Mapping[str, Collection[str]]) -> None:
    """Stored tables that read each other would never come to rest; what is inlined has been checked while it was called."""
    try:
        TopologicalSorter(
            {name: [read for read in names if read in pipeline.datasets] for name, names in reads.items()}
        ).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]
        what = f"the datasets read each other in a circle: {' → '.join(circle)}"
        raise error_at(pipeline.datasets[circle[0]].location, what, "Break the circle at one of them.") from error


def _interval(flow: Flow | CdcFlow, properties: Mapping[str, str] = _NONE, conf: Mapping[str, str] = _NONE) -> str:
    """How often the flow checkpoints: what it says itself, else its table's configuration, else its table's properties."""
    names = ("pipelines.trigger.interval", "pipelines.trigger.checkpoint")
    given = [source[n] for source in (_own_conf(flow), conf, properties) for n in names if n in source]
    interval = given[0] if given else DEFAULT_INTERVAL
    length = milliseconds(interval)
    if length is None:
        raise error_at(flow.location, f"{flow.target}: {interval!r} is no interval", "Write it as '1 minute' or '30 seconds'.")
    if length < MINIMUM_INTERVAL_MS:
        what = f"{flow.target}: {interval!r} is too short a trigger interval"
        raise error_at(flow.location, what, "Use 5 seconds or more; it is how often the flow checkpoints, not how fast it is.")
    return interval


def _is_real_time(flow: Flow | CdcFlow, conf: Mapping[str, str] = _NONE) -> bool:
    """Whether the flow, or its table, asks for real-time mode by itself."""
    trigger = {**conf, **_own_conf(flow)}.get("pipelines.trigger")
    if trigger is not None and trigger.lower() != REAL_TIME.lower():
        what = f"{flow.name} has the unknown pipelines.trigger {trigger!r}"
        raise error_at(flow.location, what, f"Use {REAL_TIME!r}, or leave it out: the flow then runs as the update does.")
    return trigger is not None


def _own_conf(flow: Flow | CdcFlow) -> Mapping[str, str]:
    return flow.spark_conf if isinstance(flow, Flow) else _NONE
