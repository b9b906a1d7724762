"""A pipeline table made as its spec declares it, or brought up to a spec that has grown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, Schema

from pitlake.errors import LakeError
from pitlake.lake.names import TableName
from pitlake.lake.schemas import arrow_schema
from pitlake.lake.spec import TableSpec, WriteMode

LOG_RETENTION = timedelta(minutes=2)
"""How long a table's log remembers a commit: each hundred files in the log make a commit 2 ms longer."""

_PROPERTIES = {
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": f"interval {LOG_RETENTION // timedelta(minutes=1)} minutes",
    "delta.deletedFileRetentionDuration": "interval 15 minutes",
    "delta.enableExpiredLogCleanup": "true",
}
_MODE, _KEYS = "pitlake.mode", "pitlake.keys"


def check_spec(spec: TableSpec) -> None:
    """Raise LakeError when the spec contradicts itself."""
    declared = {column.name for column in spec.columns}
    named = [*spec.keys, *spec.sequence, *spec.processed_at, *spec.partition_by, *spec.cluster_by]
    named += [name for name in (spec.count, spec.window, spec.event_time, spec.ingestion_time, spec.retention_column) if name]
    unknown = sorted(set(named) - declared)
    if unknown:
        raise _refused(
            spec, f"names columns that it does not declare: {', '.join(unknown)}", "Declare them, or correct the names."
        )
    if spec.mode in (WriteMode.UPSERT, WriteMode.CDC) and not spec.keys:
        raise _refused(spec, f"is written by {spec.mode} and has no keys", "Give it keys.")
    if spec.mode is WriteMode.CDC and not spec.sequence:
        raise _refused(spec, "is written by change data capture and has no sequence", "Give the flow `sequence_by`.")
    _check_types(spec)


def _check_types(spec: TableSpec) -> None:
    schema = arrow_schema(spec)
    for name in (*spec.processed_at, *(each for each in (spec.window, spec.event_time, spec.ingestion_time) if each)):
        if schema.field(name).type != pa.timestamp("us", "UTC"):
            raise _refused(spec, f"measures time by {name}, which is {schema.field(name).type}", "Declare it as TIMESTAMP.")
    for name in partition_columns(spec):
        if not any(fits(schema.field(name).type) for fits in (pa.types.is_string, pa.types.is_date, pa.types.is_integer)):
            raise _refused(
                spec,
                f"is partitioned by {name}, which is {schema.field(name).type}",
                "Partition by DATE, STRING or whole numbers.",
            )


def open_table(lake: str, spec: TableSpec, created: CommitProperties) -> DeltaTable:
    """The Delta table of `spec`, created where there is none by a commit with the properties `created`. Raises LakeError."""
    check_spec(spec)
    path = spec.path(lake)
    return DeltaTable(path) if DeltaTable.is_deltatable(path) else _create(path, spec, created)


def evolve(table: DeltaTable, spec: TableSpec, properties: Callable[[], CommitProperties]) -> None:
    """Add, relax and describe columns as the spec asks, and set the table's properties; `properties` are those of each commit.

    Raises LakeError, before anything is changed, when the spec asks for what would need the rows to be written anew.
    """
    _check_compatible(table, spec)
    existing = {field.name: field for field in table.schema().fields}
    wanted = Schema.from_arrow(arrow_schema(spec)).fields
    added: list[Field] = [field for field in wanted if field.name not in existing]
    if added:
        table.alter.add_columns(added, commit_properties=properties())
    for field in wanted:
        if field.name in existing:
            _evolve_column(table, existing[field.name], field, properties)
    if spec.comment and spec.comment != table.metadata().description:
        table.alter.set_table_description(spec.comment, commit_properties=properties())
    if not spec.properties.items() <= table.metadata().configuration.items():
        table.alter.set_table_properties(spec.properties, raise_if_not_exists=False, commit_properties=properties())


def partition_columns(spec: TableSpec) -> list[str]:
    """The columns that the files are partitioned by: those declared, else the DATE columns that the table is clustered by."""
    schema = arrow_schema(spec)
    return list(spec.partition_by) or [name for name in spec.cluster_by if pa.types.is_date(schema.field(name).type)]


def _statistics(spec: TableSpec) -> dict[str, str]:
    """Statistics of the columns that rows are found by, and of no other: each one makes every commit slower."""
    named = [*spec.keys, *spec.cluster_by, spec.window, spec.event_time, spec.ingestion_time, spec.retention_column]
    columns = [name for name in dict.fromkeys(named) if name and name not in partition_columns(spec)]
    return {"delta.dataSkippingStatsColumns": ",".join(columns)} if columns else {}


def _create(path: str, spec: TableSpec, properties: CommitProperties) -> DeltaTable:
    return DeltaTable.create(
        path,
        arrow_schema(spec),
        name=TableName.parse(spec.name).name,
        description=spec.comment,
        partition_by=partition_columns(spec) or None,
        configuration=_PROPERTIES | _statistics(spec) | spec.properties | {_MODE: spec.mode.value, _KEYS: ",".join(spec.keys)},
        raise_if_key_not_exists=False,
        commit_properties=properties,
    )


def _check_compatible(table: DeltaTable, spec: TableSpec) -> None:
    metadata = table.metadata()
    declared = (spec.mode.value, ",".join(spec.keys))
    written = tuple(metadata.configuration.get(name, now) for name, now in zip((_MODE, _KEYS), declared, strict=True))
    if written != declared:
        raise _changed(spec, f"is written by {written[0]} with keys ({written[1]}), not by {declared[0]} with ({declared[1]})")
    if list(metadata.partition_columns) != partition_columns(spec):
        raise _changed(spec, f"is partitioned by {metadata.partition_columns}, and now {partition_columns(spec)} is wanted")
    existing = {field.name: field for field in table.schema().fields}
    wanted = {field.name: field for field in Schema.from_arrow(arrow_schema(spec)).fields}
    for name, field in existing.items():
        if name not in wanted:
            raise _changed(spec, f"has a column {name} that is no longer declared")
        if field.type != wanted[name].type:
            raise _changed(spec, f"has {name} as {field.type}, and now {wanted[name].type} is wanted")
        if field.nullable and not wanted[name].nullable:
            raise _changed(spec, f"may hold NULL in {name}, and now NOT NULL is wanted")
    required = [name for name, field in wanted.items() if name not in existing and not field.nullable]
    if required:
        raise _changed(spec, f"lacks {', '.join(required)}, declared NOT NULL, in the rows that it has")


def _evolve_column(table: DeltaTable, existing: Field, wanted: Field, properties: Callable[[], CommitProperties]) -> None:
    if wanted.nullable and not existing.nullable:
        table.alter.drop_column_not_null(wanted.name, commit_properties=properties())
    comment = wanted.metadata.get("comment")
    if comment is not None and comment != existing.metadata.get("comment"):
        table.alter.set_column_metadata(wanted.name, {"comment": str(comment)}, commit_properties=properties())


def write_anew(spec: TableSpec) -> str:
    """What to do, as a sentence, so that the table is written from the start of what its topic still holds."""
    folder = f"{spec.location} away" if spec.location else f"{spec.path('').lstrip('/')} out of the lake"
    return f"Move the folder {folder} and start again, or rename the table."


def _refused(spec: TableSpec, what: str, do: str) -> LakeError:
    return LakeError(f"{spec.name} {what}.", do=do)


def _changed(spec: TableSpec, what: str) -> LakeError:
    return LakeError(f"{spec.name} {what}.", do=f"Undo the change, or write the table anew. {write_anew(spec)}")
