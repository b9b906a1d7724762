"""A Delta snapshot as an Arrow dataset that opens quickly, however many small files it has.

delta-rs describes each file to Arrow by all of its statistics: over a second for 1,500 files of five columns. Here a file is
described by its partition and by the columns that a query filters on: tens of milliseconds for the same.
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from deltalake import DeltaTable

_NO_FILE = "1 = 0"
_STATISTICS_PRECISION = timedelta(milliseconds=1)  # Delta's log cuts timestamps down to milliseconds


def snapshot_dataset(table: DeltaTable, filtered: Collection[str] = ()) -> ds.Dataset:
    """The rows of `table` as it was opened. Files that cannot match a condition on the columns `filtered` need not be read.

    The case of `filtered` does not matter. Raises DeltaProtocolError if the table has features that Arrow cannot read, such as
    deletion vectors.
    """
    empty = table.to_pyarrow_dataset(file_pruning_predicate=_NO_FILE)
    filesystem = _filesystem(table, empty)
    files = pa.table(table.get_add_actions(flatten=True))
    wanted = {name.lower() for name in filtered}
    described = [field for field in empty.schema if field.name.lower() in wanted]
    guarantees = [_partition_values(files), *(_ranges(files, field) for field in described)]
    fragments = [
        empty.format.make_fragment(unquote(path), filesystem=filesystem, partition_expression=_all(terms))
        for path, *terms in zip(files["path"].to_pylist(), *guarantees, strict=True)
    ]
    return ds.FileSystemDataset(fragments, empty.schema, empty.format, filesystem)


def _filesystem(table: DeltaTable, dataset: ds.FileSystemDataset) -> pafs.FileSystem:
    if not table.table_uri.startswith("file:"):
        return dataset.filesystem
    local, root = pafs.FileSystem.from_uri(table.table_uri)
    return pafs.SubTreeFileSystem(root, local)


def _partition_values(files: pa.Table) -> Iterator[pc.Expression | None]:
    """For each file what is true of its partition columns, which are not in the file itself."""
    columns = [name for name in files.column_names if name.startswith("partition.")]
    for row in range(files.num_rows):
        yield _all([_equals(name.removeprefix("partition."), files[name][row]) for name in columns])


def _equals(column: str, value: pa.Scalar) -> pc.Expression:
    return pc.field(column) == value if value.is_valid else pc.field(column).is_null()


def _ranges(files: pa.Table, field: pa.Field) -> Iterator[pc.Expression | None]:
    """For each file the range that `field` is known to keep within; None where nothing is known."""
    statistics = [f"{kind}.{field.name}" for kind in ("min", "max", "null_count")]
    if not _is_ordered(field.type) or not set(statistics) <= set(files.column_names):
        return iter([None] * files.num_rows)
    lowest, highest, nulls = (files[name] for name in statistics)
    if pa.types.is_timestamp(field.type):
        highest = pc.add(highest, pa.scalar(_STATISTICS_PRECISION))
    return (_range(pc.field(field.name), *bounds) for bounds in zip(lowest, highest, nulls, strict=True))


def _range(column: pc.Expression, lowest: pa.Scalar, highest: pa.Scalar, nulls: pa.Scalar) -> pc.Expression | None:
    if not (lowest.is_valid and highest.is_valid):
        return None
    within = (column >= lowest) & (column <= highest)
    return within if nulls.as_py() == 0 else within | column.is_null()


def _is_ordered(kind: pa.DataType) -> bool:
    """Whether statistics bound every value: of floating-point columns they leave out NaN."""
    return bool(pa.types.is_temporal(kind) or pa.types.is_integer(kind) or pa.types.is_string(kind))


def _all(terms: list[pc.Expression | None]) -> pc.Expression | None:
    known = [term for term in terms if term is not None]
    return reduce(and_, known) if known else None
