"""A flow's analyzed query held against its dataset's definition, and made into the spec of its table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame

from pitlake.engine.declarations import column_type, declared_schema
from pitlake.engine.expectations import FAILED_EXPECTATIONS
from pitlake.engine.plans import PlanFacts
from pitlake.engine.properties import delta_properties
from pitlake.engine.records import DELETED
from pitlake.engine.sources import LANDING_ID
from pitlake.errors import LakeError
from pitlake.lake.names import TableName
from pitlake.lake.schemas import arrow_type
from pitlake.lake.spec import QUARANTINE_SUFFIX, Column, TableSpec, WriteMode
from pitlake.pipelines.definitions import CdcFlow, Dataset, Flow
from pitlake.pipelines.locations import error_at
from pitlake.pipelines.names import suggestion
from pitlake.pipelines.schemas import type_text

QUARANTINED_AT = "quarantined_at"
DEFAULT_COMMIT_INTERVAL = "250 milliseconds"
QUARANTINE_COMMIT_INTERVAL_MS = 1000

_UNIT_MS = {"millisecond": 1, "second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


def table_spec(name: TableName, flow: Flow | CdcFlow, dataset: Dataset, rows: DataFrame, facts: PlanFacts) -> TableSpec:
    """The spec of the table into which a flow's `rows` go. Raises DefinitionError for what the table cannot be."""
    _check_layout(dataset, rows)
    columns = tuple(_columns(dataset, rows))
    mode = _mode(flow, facts)
    aggregates = mode is WriteMode.UPSERT
    keys = _keys(flow, dataset, facts)
    dates = tuple(c for c in dataset.cluster_by if rows.schema[c].dataType.typeName() == "date")
    return TableSpec(
        name=str(name),
        topic=str(name),
        mode=mode,
        columns=tuple(_keyed(column, keys if mode is WriteMode.APPEND else ()) for column in columns),
        keys=keys,
        count=_row_count(flow, facts) if aggregates else None,
        sequence=flow.sequence_by if isinstance(flow, CdcFlow) else (),
        window=facts.window_column() if aggregates else None,
        processed_at=facts.processing_time,
        event_time=_column_property(dataset, rows, "pitlake.eventTime"),
        ingestion_time=_column_property(dataset, rows, "pitlake.ingestionTime"),
        expectations=tuple(e.name for e in dataset.expectations),
        comment=dataset.comment,
        partition_by=tuple(dataset.partition_cols) or dates,
        cluster_by=tuple(c for c in dataset.cluster_by if c not in dates),
        retention_days=_retention_days(dataset),
        retention_column=_column_property(dataset, rows, "pitlake.retentionColumn"),
        commit_interval_ms=interval_ms(dataset, dataset.table_properties.get("pitlake.commitInterval", DEFAULT_COMMIT_INTERVAL)),
        properties=delta_properties(dataset.table_properties),
    )


def quarantine_spec(spec: TableSpec) -> TableSpec:
    """The table of the rows that a table's expectations dropped: its columns, which expectations, and when."""
    return TableSpec(
        name=spec.name + QUARANTINE_SUFFIX,
        topic=spec.topic + QUARANTINE_SUFFIX,
        mode=WriteMode.REFRESH if spec.mode is WriteMode.REFRESH else WriteMode.APPEND,
        columns=(
            *[Column(name=c.name, type=c.type, comment=c.comment, nullable=c.name not in spec.keys) for c in spec.columns],
            Column(name=FAILED_EXPECTATIONS, type="ARRAY<STRING>", comment="Names of the expectations that the row failed"),
            Column(name=QUARANTINED_AT, type="TIMESTAMP", comment="When the row was refused, UTC"),
        ),
        keys=spec.keys if spec.mode is WriteMode.APPEND else (),
        processed_at=(*spec.processed_at, QUARANTINED_AT),
        expectations=spec.expectations,
        comment=f"Rows that {spec.name} refused, with the expectations that they failed",
        retention_days=spec.retention_days,
        retention_column=QUARANTINED_AT if spec.retention_days else None,
        commit_interval_ms=QUARANTINE_COMMIT_INTERVAL_MS,
    )


def interval_ms(dataset: Dataset, text: str) -> int:
    """The length of an interval such as `1 minute` or `90 days`. Raises DefinitionError for anything else."""
    length = milliseconds(text)
    if length is None:
        raise error_at(dataset.location, f"{dataset.name}: {text!r} is no interval", "Write it as '1 minute' or '30 seconds'.")
    return length


def milliseconds(text: str) -> int | None:
    """The length of an interval such as `1 minute`; None for what is no interval."""
    match = re.fullmatch(r"\s*(\d+)\s+(millisecond|second|minute|hour|day)s?\s*", text.lower())
    return int(match[1]) * _UNIT_MS[match[2]] if match else None


def _columns(dataset: Dataset, rows: DataFrame) -> Iterator[Column]:
    """The declared columns, held against what the query gives; without a declaration, what the query gives."""
    given = {f.name: f for f in rows.schema.fields if f.name != DELETED}
    declared = declared_schema(dataset)
    if declared is None:
        for f in given.values():
            yield _storable(dataset, Column(name=f.name, type=type_text(f.dataType), comment=f.metadata.get("comment")))
        return
    names = {column.name for column in declared.columns}
    if names != set(given):
        missing, extra = sorted(names - set(given)), sorted(set(given) - names)
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"gives {', '.join(extra)} undeclared"] * bool(extra)
        what = f"the query of {dataset.name} {' and '.join(parts)}"
        raise error_at(dataset.location, what, "Make schema= and the query agree.")
    for column in declared.columns:
        if column_type(dataset, column).simpleString() != given[column.name].dataType.simpleString():
            given_type = type_text(given[column.name].dataType)
            raise error_at(
                dataset.location,
                f"{dataset.name}.{column.name} is declared {column.type} and the query gives {given_type}",
                f"Cast it in the query, or declare {given_type}.",
            )
        stored = Column(name=column.name, type=column.type, nullable=column.nullable, comment=column.comment)
        yield _storable(dataset, stored)


def _storable(dataset: Dataset, column: Column) -> Column:
    try:
        kind = arrow_type(column.type)
    except LakeError as error:
        what = f"{dataset.name}.{column.name} is {column.type}, which a Delta table cannot hold here"
        raise error_at(dataset.location, what, "Cast it in the query, to STRING for instance.") from error
    if _has_inner_map(kind):
        what = f"{dataset.name}.{column.name} is {column.type}: a map within another type cannot travel to the writer"
        raise error_at(dataset.location, what, "Make the inner map a list of entries, map_entries(…), or text, to_json(…).")
    return column


def _has_inner_map(kind: pa.DataType) -> bool:
    """Whether a type holds a MAP below its top: the envelope carries a column's own map only."""
    fields = [kind.key_type, kind.item_type] if pa.types.is_map(kind) else [kind.field(i).type for i in range(kind.num_fields)]
    return any(pa.types.is_map(each) or _has_inner_map(each) for each in fields)


def _mode(flow: Flow | CdcFlow, facts: PlanFacts) -> WriteMode:
    if isinstance(flow, CdcFlow):
        return WriteMode.CDC
    if not facts.streams:
        return WriteMode.REFRESH
    return WriteMode.UPSERT if facts.groupings else WriteMode.APPEND


def _keyed(column: Column, keys: Sequence[str]) -> Column:
    return column.model_copy(update={"nullable": column.nullable and column.name not in keys})


def _keys(flow: Flow | CdcFlow, dataset: Dataset, facts: PlanFacts) -> tuple[str, ...]:
    declared = declared_schema(dataset)
    primary_key = declared.primary_key if declared else ()
    if not facts.streams:
        return primary_key
    keys = flow.keys if isinstance(flow, CdcFlow) else _grouping_keys(flow, facts) if facts.groupings else primary_key
    if primary_key and set(primary_key) != set(keys):
        raise error_at(
            dataset.location,
            f"{dataset.name} declares the primary key ({', '.join(primary_key)}) and its query's keys are ({', '.join(keys)})",
            "Declare the columns that the query groups by (for a CDC flow, its keys), or no key.",
        )
    static = facts.static_among(keys)
    if static:
        raise error_at(
            flow.location,
            f"the key {', '.join(static)} of {dataset.name} comes from a table that is not a stream",
            "Group by columns of the stream alone and join the table afterwards: a row of it that changes before a replay "
            "would otherwise store the same readings under two keys.",
        )
    if not facts.groupings and not isinstance(flow, CdcFlow) and keys and keys[0] != LANDING_ID:
        raise error_at(
            dataset.location,
            f"the primary key of {dataset.name} begins with {keys[0]}",
            f"Carry {LANDING_ID} through the query and begin the key with it: an appended row is told from its replay by it.",
        )
    return keys


def _grouping_keys(flow: Flow, facts: PlanFacts) -> tuple[str, ...]:
    found: list[str] = []
    for grouping in facts.groupings:
        name, column = grouping.name, facts.key_column(grouping)
        if grouping.static:
            raise error_at(
                flow.location,
                f"{flow.target} groups by {name}, which comes from a table that is not a stream",
                "Group by columns of the stream alone and join the table after the aggregation: a row of it that changes before "
                "a replay would otherwise store the same readings under two keys.",
            )
        if column is None:
            raise error_at(
                flow.location,
                f"{flow.target} groups by {name}, which is no column of its result",
                f"Select {name} (of a window, its start): a row is replaced by its grouping keys.",
            )
        found.append(column)
    return tuple(found)


def _row_count(flow: Flow | CdcFlow, facts: PlanFacts) -> str:
    if facts.row_count is None:
        raise error_at(
            flow.location,
            f"{flow.target} aggregates and has no count(*) among its columns",
            "Add F.count('*') as a column: it tells a newer version of a row from an older one.",
        )
    return facts.row_count


def _column_property(dataset: Dataset, rows: DataFrame, name: str) -> str | None:
    column = dataset.table_properties.get(name)
    if column is not None and column not in rows.columns:
        raise error_at(
            dataset.location,
            f"{name} of {dataset.name} names {column}, which is no column of it",
            f"Columns: {', '.join(rows.columns)}.",
        )
    return column


def _check_layout(dataset: Dataset, rows: DataFrame) -> None:
    for argument, names in (("cluster_by", dataset.cluster_by), ("partition_cols", dataset.partition_cols)):
        for name in names:
            if name not in rows.columns:
                what = f"{argument} of {dataset.name} names {name}, which is no column of it"
                raise error_at(dataset.location, what, suggestion(name, rows.columns, what="columns"))


def _retention_days(dataset: Dataset) -> int | None:
    retention = dataset.table_properties.get("pitlake.retention")
    if retention is None:
        return None
    days, rest = divmod(interval_ms(dataset, retention), _UNIT_MS["day"])
    if rest or not days:
        what = f"{dataset.name}: a retention of {retention!r} is not whole days"
        raise error_at(dataset.location, what, "Write it as '90 days'.")
    if "pitlake.retentionColumn" not in dataset.table_properties:
        what = f"{dataset.name} has pitlake.retention and no pitlake.retentionColumn"
        raise error_at(dataset.location, what, "Name the TIMESTAMP column from which the days count.")
    return days
