"""Files of a table written anew, cut and sorted, in one commit that changes no row."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby, pairwise
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction
from pyarrow.fs import FileSystem

from pitlake.lake.layout import DataFile, Rewrite
from pitlake.lake.statistics import measured_columns, statistics
from pitlake.lake.storage import filesystem

_DESCRIBED = ("path", "size_bytes", "num_records", "modification_time")

_BUFFER_BYTES = 64 * 1024
"""Deltalake's file handler takes bytes only, which is what a buffered stream hands it."""


def data_files(table: DeltaTable, window: str | None = None) -> list[DataFile]:
    """The table's files; `low` and `high` are of the column `window`, where it is given and the files' statistics tell it."""
    partitions = table.metadata().partition_columns
    actions = pa.table(table.get_add_actions(flatten=True))
    wanted = {*_DESCRIBED, *(f"partition.{name}" for name in partitions), f"min.{window}", f"max.{window}"}
    described = actions.select([name for name in actions.column_names if name in wanted])
    return [_data_file(action, partitions, window) for action in described.to_pylist()]


def read_rows(table: DeltaTable, files: Sequence[DataFile], schema: pa.Schema) -> pa.Table:
    """The rows of `files`, partition columns among them, in the columns and types of `schema`."""
    storage = filesystem(table)
    by_partition = groupby(sorted(files, key=lambda file: repr(file.partition)), key=lambda file: file.partition)
    parts = [_whole(_read(storage, table, list(group)), dict(partition), schema) for partition, group in by_partition]
    return pa.concat_tables([schema.empty_table(), *parts])


def rewrite(
    table: DeltaTable, plan: Rewrite, *, window: str | None, sort_by: Sequence[str], properties: CommitProperties
) -> None:
    """Replace the plan's files by one file per stretch of `window` between its cuts, each sorted by `sort_by`.

    `table` then stands at the new commit. Readers of older versions are not disturbed. Raises deltalake's errors when the table
    has been changed by another.
    """
    files = filesystem(table)
    rows = _read(files, table, plan.files)
    sort = [(name, "ascending") for name in sort_by if name in rows.schema.names]
    milliseconds = int(time.time() * 1000)
    columns = measured_columns(table, rows.schema.names)
    parts = (part.sort_by(sort) if sort else part for part in _cut(rows, window, plan.cuts))
    added = [_write(files, plan.files[0], part, columns, milliseconds) for part in parts]
    removed = [RemoveAction(file.path, False, milliseconds, file.size, dict(file.partition)) for file in plan.files]  # noqa: FBT003 - positional in deltalake
    table.create_write_transaction(
        [*removed, *added],
        "append",
        table.schema(),
        partition_by=table.metadata().partition_columns,
        commit_properties=properties,
    )
    table.update_incremental()


def _data_file(action: dict[str, Any], partitions: Sequence[str], window: str | None) -> DataFile:
    return DataFile(
        unquote(action["path"]),
        action["size_bytes"],
        action["num_records"] or 0,
        action["modification_time"],
        tuple((name, _partition_value(action[f"partition.{name}"])) for name in partitions),
        action.get(f"min.{window}"),
        action.get(f"max.{window}"),
        action["path"],
    )


def _partition_value(value: date | str | int | None) -> str | None:
    return None if value is None else str(value)


def _read(storage: FileSystem, table: DeltaTable, files: Sequence[DataFile]) -> pa.Table:
    in_path = {name for name, _ in files[0].partition}
    schema = pa.schema([field for field in pa.schema(table.schema()) if field.name not in in_path])
    return ds.dataset([file.path for file in files], schema=schema, format="parquet", filesystem=storage).to_table()


def _whole(rows: pa.Table, partition: Mapping[str, str | None], schema: pa.Schema) -> pa.Table:
    """`rows` with the columns that are not in the file but in its partition."""
    columns = [
        pa.repeat(pa.scalar(partition[field.name], pa.string()), rows.num_rows).cast(field.type)
        if field.name in partition
        else rows.column(field.name).cast(field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _cut(rows: pa.Table, window: str | None, cuts: Sequence[datetime]) -> Iterator[pa.Table]:
    if window is None or not cuts:
        yield rows
        return
    column = rows.column(window)
    for start, end in pairwise((None, *cuts, None)):
        inside = pc.and_(
            pc.greater_equal(column, pa.scalar(start, column.type)) if start else pa.scalar(value=True),
            pc.less(column, pa.scalar(end, column.type)) if end else pa.scalar(value=True),
        )
        part = rows.filter(pc.fill_null(inside, start is None))
        if part.num_rows:
            yield part


def _write(files: FileSystem, beside: DataFile, rows: pa.Table, columns: Sequence[str], milliseconds: int) -> AddAction:
    path = str(PurePosixPath(beside.path).parent / f"part-{uuid.uuid4()}.zstd.parquet")
    with files.open_output_stream(path, buffer_size=_BUFFER_BYTES) as stream:
        pq.write_table(rows, stream, compression="zstd")
        size = stream.tell()
    return AddAction(path, size, dict(beside.partition), milliseconds, False, statistics(rows, columns))  # noqa: FBT003 - positional in deltalake
