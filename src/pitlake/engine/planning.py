"""A graph of definitions made into plans: per flow, the records it publishes and the table that the writer makes of them.

Everything that can be wrong with a pipeline is found here, before any query starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructType

from pitlake.engine.expectations import FAILED_EXPECTATIONS, is_met, with_failed_expectations
from pitlake.engine.plans import PlanFacts, plan_facts
from pitlake.engine.records import DELETED, QUARANTINE_SUFFIX, as_records
from pitlake.engine.sources import LANDING_ID, GraphReader
from pitlake.errors import DefinitionError
from pitlake.lake.names import TableName
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.pipelines.definitions import Action, CdcFlow, Dataset, DatasetKind, Flow, Location, Pipeline
from pitlake.pipelines.reading import reading
from pitlake.pipelines.schemas import TableSchema, parse_schema

QUARANTINED_AT = "quarantined_at"
DEFAULT_INTERVAL = "1 minute"
DEFAULT_COMMIT_INTERVAL = "250 milliseconds"
QUARANTINE_COMMIT_INTERVAL_MS = 1000

_UNIT_MS = {"millisecond": 1, "second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


@dataclass(frozen=True)
class FlowPlan:
    """One streaming query: `records` are ready for the Kafka sink, `interval` is the checkpoint interval in Spark's words."""

    name: str
    spec: TableSpec
    records: DataFrame
    interval: str

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to which this flow publishes."""
        return (self.spec.topic, self.spec.topic + QUARANTINE_SUFFIX) if self.quarantines else (self.spec.topic,)

    quarantines: bool = False


@dataclass(frozen=True)
class UpdatePlan:
    """All flows of an update, the tables that they fill, and who reads whom (reader → names read)."""

    flows: tuple[FlowPlan, ...]
    specs: tuple[TableSpec, ...]
    reads: Mapping[str, frozenset[str]]


def plan_update(pipeline: Pipeline, reader: GraphReader, *, catalog: str, schema: str, epoch: int) -> UpdatePlan:
    """Plan every flow of the pipeline. `epoch` marks the rows of this update's driver.

    Raises DefinitionError, naming file and line, for whatever cannot be run.
    """
    planner = _Planner(pipeline, reader, catalog, schema, epoch)
    with reading(reader):
        flows = tuple(planner.flow_plan(flow) for flow in pipeline.flows if planner.is_table(flow.target))
    return UpdatePlan(flows, tuple(_specs(flows)), {name: frozenset(read) for name, read in reader.reads.items()})


def _specs(flows: Sequence[FlowPlan]) -> Iterator[TableSpec]:
    by_table = {flow.spec.name: flow for flow in flows}
    for flow in by_table.values():
        yield flow.spec
        if flow.quarantines:
            yield quarantine_spec(flow.spec)


def quarantine_spec(spec: TableSpec) -> TableSpec:
    """The table of the rows that a table's expectations dropped: its columns, which expectations, and when."""
    return TableSpec(
        name=spec.name + QUARANTINE_SUFFIX,
        topic=spec.topic + QUARANTINE_SUFFIX,
        mode=WriteMode.APPEND,
        columns=(
            *[Column(name=c.name, type=c.type, comment=c.comment, nullable=c.name not in spec.keys) for c in spec.columns],
            Column(name=FAILED_EXPECTATIONS, type="ARRAY<STRING>", comment="Names of the expectations that the row failed"),
            Column(name=QUARANTINED_AT, type="TIMESTAMP", comment="When the row was refused, UTC"),
        ),
        keys=spec.keys if spec.mode is WriteMode.APPEND else (),
        processed_at=(*spec.processed_at, QUARANTINED_AT),
        comment=f"Rows that {spec.name} refused, with the expectations that they failed",
        retention_days=spec.retention_days,
        retention_column=QUARANTINED_AT if spec.retention_days else None,
        commit_interval_ms=QUARANTINE_COMMIT_INTERVAL_MS,
    )


def milliseconds(interval: str) -> int:
    """The length of an interval such as `1 minute` or `90 days`. Raises ValueError for anything else."""
    match = re.fullmatch(r"\s*(\d+)\s+(millisecond|second|minute|hour|day)s?\s*", interval.lower())
    if match is None:
        raise ValueError(interval)
    return int(match[1]) * _UNIT_MS[match[2]]


class _Planner:
    def __init__(self, pipeline: Pipeline, reader: GraphReader, catalog: str, schema: str, epoch: int) -> None:
        self._pipeline = pipeline
        self._reader = reader
        self._catalog = catalog
        self._schema = schema
        self._epoch = epoch

    def is_table(self, name: str) -> bool:
        return self._pipeline.datasets[name].kind is not DatasetKind.TEMPORARY_VIEW

    def flow_plan(self, flow: Flow | CdcFlow) -> FlowPlan:
        dataset = self._pipeline.datasets[flow.target]
        try:
            rows = self._cdc_rows(flow) if isinstance(flow, CdcFlow) else self._reader.query(flow.target, flow)
            return self._planned(flow, dataset, rows)
        except PySparkException as error:
            raise _at(
                flow.location, f"the query of {flow.name} cannot be analyzed: {_first_line(error)}", "Correct the query."
            ) from error

    def _cdc_rows(self, flow: CdcFlow) -> DataFrame:
        source = self._reader.stream(flow.source)
        deleted = F.expr(flow.delete_when) if flow.delete_when else F.lit(False)
        kept = [c for c in flow.columns or source.columns if c not in (flow.except_columns or ())]
        missing = [c for c in (*flow.keys, *flow.sequence_by) if c not in kept]
        if missing:
            raise _at(
                flow.location,
                f"{flow.target}: {', '.join(missing)} is a key or a sequence of {flow.name} and no column of it",
                f"Columns of {flow.source}: {', '.join(source.columns)}; keys and sequence must be stored in the table.",
            )
        return source.withColumn(DELETED, deleted).select(*kept, DELETED)

    def _planned(self, flow: Flow | CdcFlow, dataset: Dataset, rows: DataFrame) -> FlowPlan:
        facts = plan_facts(rows)
        if not facts.streaming:
            raise _at(
                flow.location,
                f"{flow.target} reads no stream, so there is nothing to follow",
                "Read an upstream with spark.readStream.table.",
            )
        if facts.aggregations > 1:
            raise _at(
                flow.location,
                f"{flow.target} aggregates what is already aggregated, which no streaming query can",
                "Aggregate the rows of the upstream's own source, or make one of the two a materialized view.",
            )
        _check_expectations(dataset, rows)
        spec = self._spec(flow, dataset, rows, facts)
        judged = with_failed_expectations(rows, dataset.expectations, dataset.name)
        return FlowPlan(
            name=flow.name,
            spec=spec,
            records=as_records(judged, spec, dataset.expectations, flow=flow.name, epoch=self._epoch),
            interval=_interval(flow, dataset),
            quarantines=any(e.action is Action.DROP for e in dataset.expectations),
        )

    def _spec(self, flow: Flow | CdcFlow, dataset: Dataset, rows: DataFrame, facts: PlanFacts) -> TableSpec:
        columns = tuple(_columns(dataset, rows))
        keys = _keys(flow, dataset, facts)
        properties = dataset.table_properties
        dates = tuple(c for c in dataset.cluster_by if rows.schema[c].dataType.typeName() == "date")
        retention = properties.get("pitlake.retention")
        return TableSpec(
            name=str(TableName(self._catalog, self._schema, dataset.name)),
            topic=dataset.name,
            mode=WriteMode.CDC if isinstance(flow, CdcFlow) else WriteMode.UPSERT if facts.groupings else WriteMode.APPEND,
            columns=tuple(c.model_copy(update={"nullable": c.nullable and c.name not in keys}) for c in columns),
            keys=keys,
            count=_row_count(flow, facts),
            sequence=flow.sequence_by if isinstance(flow, CdcFlow) else (),
            window=facts.window_column() if facts.groupings else None,
            processed_at=facts.processing_time,
            event_time=_column_property(dataset, rows, "pitlake.eventTime"),
            ingestion_time=_column_property(dataset, rows, "pitlake.ingestionTime"),
            expectations=tuple(e.name for e in dataset.expectations),
            comment=dataset.comment,
            partition_by=tuple(dataset.partition_cols) or dates,
            cluster_by=tuple(c for c in dataset.cluster_by if c not in dates),
            retention_days=milliseconds(retention) // _UNIT_MS["day"] if retention else None,
            retention_column=_column_property(dataset, rows, "pitlake.retentionColumn"),
            commit_interval_ms=milliseconds(properties.get("pitlake.commitInterval", DEFAULT_COMMIT_INTERVAL)),
        )


def _columns(dataset: Dataset, rows: DataFrame) -> Iterator[Column]:
    """The declared columns, held against what the query gives; without a declaration, what the query gives."""
    given = {f.name: f for f in rows.schema.fields if f.name != DELETED}
    declared = _declared(dataset)
    if declared is None:
        for f in given.values():
            yield Column(name=f.name, type=f.dataType.simpleString().upper(), comment=f.metadata.get("comment"))
        return
    names = {column.name for column in declared.columns}
    if names != set(given):
        missing, extra = sorted(names - set(given)), sorted(set(given) - names)
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(extra)}, which are not declared"] * bool(
            extra
        )
        raise _at(dataset.location, f"the query of {dataset.name} {' and '.join(parts)}", "Make schema= and the query agree.")
    for column in declared.columns:
        if _spark_type(column.type).simpleString() != given[column.name].dataType.simpleString():
            given_type = given[column.name].dataType.simpleString().upper()
            raise _at(
                dataset.location,
                f"{dataset.name}.{column.name} is declared {column.type} and the query gives {given_type}",
                f"Cast it in the query, or declare {given_type}.",
            )
        yield Column(name=column.name, type=column.type, nullable=column.nullable, comment=column.comment)


def _declared(dataset: Dataset) -> TableSchema | None:
    return parse_schema(dataset.schema, location=dataset.location) if dataset.schema is not None else None


def _spark_type(text: str) -> DataType:
    return StructType.fromDDL(f"c {text}")["c"].dataType


def _keys(flow: Flow | CdcFlow, dataset: Dataset, facts: PlanFacts) -> tuple[str, ...]:
    declared = _declared(dataset)
    primary_key = declared.primary_key if declared else ()
    keys = flow.keys if isinstance(flow, CdcFlow) else _grouping_keys(flow, facts) if facts.groupings else primary_key
    if primary_key and set(primary_key) != set(keys):
        raise _at(
            dataset.location,
            f"{dataset.name} declares the primary key ({', '.join(primary_key)}) and its query's keys are ({', '.join(keys)})",
            "Declare the columns that the query groups by (for a CDC flow, its keys), or no key.",
        )
    static = sorted(set(keys) & facts.static_columns)
    if static:
        raise _at(
            flow.location,
            f"the key {', '.join(static)} of {dataset.name} comes from a table that is not a stream",
            "Group by columns of the stream alone and join the table afterwards: a row of it that changes before a replay "
            "would otherwise store the same readings under two keys.",
        )
    if not facts.groupings and not isinstance(flow, CdcFlow) and keys and keys[0] != LANDING_ID:
        raise _at(
            dataset.location,
            f"the primary key of {dataset.name} begins with {keys[0]}",
            f"Carry {LANDING_ID} through the query and begin the key with it: an appended row is told from its replay by it.",
        )
    return keys


def _grouping_keys(flow: Flow, facts: PlanFacts) -> tuple[str, ...]:
    found: list[str] = []
    for name, columns in facts.key_columns().items():
        static = next((g.static for g in facts.groupings if g.name == name), False)
        if static:
            raise _at(
                flow.location,
                f"{flow.target} groups by {name}, which comes from a table that is not a stream",
                "Group by columns of the stream alone and join the table after the aggregation: a row of it that changes before "
                "a replay would otherwise store the same readings under two keys.",
            )
        if not columns:
            raise _at(
                flow.location,
                f"{flow.target} groups by {name}, which is no column of its result",
                f"Select {name} (of a window, its start): a row is replaced by its grouping keys.",
            )
        found.append(columns[0])
    return tuple(found)


def _row_count(flow: Flow | CdcFlow, facts: PlanFacts) -> str | None:
    if not facts.groupings:
        return None
    if facts.row_count is None:
        raise _at(
            flow.location,
            f"{flow.target} aggregates and has no count(*) among its columns",
            "Add F.count('*') as a column: it tells a newer version of a row from an older one.",
        )
    return facts.row_count


def _check_expectations(dataset: Dataset, rows: DataFrame) -> None:
    for expectation in dataset.expectations:
        try:
            rows.select(is_met(expectation))
        except AnalysisException as error:
            raise _at(
                dataset.location,
                f"the expectation {expectation.name} of {dataset.name} cannot be evaluated: {_first_line(error)}",
                f"Its condition is {expectation.condition!r}; the columns are {', '.join(rows.columns)}.",
            ) from error


def _column_property(dataset: Dataset, rows: DataFrame, name: str) -> str | None:
    column = dataset.table_properties.get(name)
    if column is not None and column not in rows.columns:
        raise _at(
            dataset.location,
            f"{name} of {dataset.name} names {column}, which is no column of it",
            f"Columns: {', '.join(rows.columns)}.",
        )
    return column


def _interval(flow: Flow | CdcFlow, dataset: Dataset) -> str:
    own = flow.spark_conf if isinstance(flow, Flow) else {}
    names = ("pipelines.trigger.interval", "pipelines.trigger.checkpoint")
    given = [source[n] for source in (own, dataset.spark_conf, dataset.table_properties) for n in names if n in source]
    interval = given[0] if given else DEFAULT_INTERVAL
    try:
        milliseconds(interval)
    except ValueError as error:
        raise _at(
            dataset.location, f"{dataset.name}: {interval!r} is no interval", "Write it as '1 minute' or '30 seconds'."
        ) from error
    return interval


def _at(location: Location, what: str, do: str) -> DefinitionError:
    return DefinitionError(what, do=do, file=location.file, line=location.line)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
