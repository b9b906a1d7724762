"""A Delta snapshot as an Arrow dataset that opens quickly, however many small files it has.

delta-rs describes each file to Arrow by all of its statistics: over a second for 1,500 files of five columns. Here a file is
described by its partition and by the columns that a query filters on: tens of milliseconds for the same.
"""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pitlake.lake.storage import filesystem

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
    files_at = filesystem(table)
    files = pa.table(table.get_add_actions(flatten=True))
    wanted = {name.lower() for name in filtered}
    described = [field for field in empty.schema if field.name.lower() in wanted]
    guarantees = [_partition_values(files, empty.schema), *(_ranges(files, field) for field in described)]
    fragments = [
        empty.format.make_fragment(unquote(path), filesystem=files_at, partition_expression=_all(terms))
        for path, *terms in zip(files["path"].to_pylist(), *guarantees, strict=True)
    ]
    snapshot = _Snapshot(fragments, empty.schema, empty.format, files_at)
    snapshot.filtered = tuple(field.name for field in described)
    return snapshot


class _Snapshot(ds.FileSystemDataset):
    """A dataset that filters rows in the types of its own schema, not in those of its files.

    Files that a MERGE has written hold text as string views, which Arrow compares with no string: filtering while it reads such a
    file fails. Here a condition chooses the files first; the rows are filtered after they have been read and cast.
    """

    filtered: tuple[str, ...] = ()

    def scanner(self, columns: list[str] | None = None, filter: pc.Expression | None = None, **options: Any) -> ds.Scanner:  # noqa: A002 (Arrow's name)
        chosen = ds.FileSystemDataset(list(self.get_fragments(filter)), self.schema, self.format, self.filesystem)
        if filter is None:
            return chosen.scanner(columns=columns, **options)
        shown = self.schema.names if columns is None else columns
        read = list(dict.fromkeys([*shown, *self.filtered]))
        kept = (batch.filter(filter) for batch in chosen.to_batches(columns=read))
        return ds.Scanner.from_batches(kept, schema=pa.schema([self.schema.field(name) for name in read]), columns=shown)


def _partition_values(files: pa.Table, schema: pa.Schema) -> Iterator[pc.Expression | None]:
    """For each file what is true of its partition columns, which are not in the file itself."""
    prefix = "partition."
    names = [name.removeprefix(prefix) for name in files.column_names if name.startswith(prefix)]
    values = {name: files[prefix + name].cast(schema.field(name).type) for name in names}
    for row in range(files.num_rows):
        yield _all([_equals(name, column[row]) for name, column in values.items()])


def _equals(column: str, value: pa.Scalar) -> pc.Expression:
    return pc.field(column) == value if value.is_valid else pc.field(column).is_null()


def _ranges(files: pa.Table, field: pa.Field) -> Iterator[pc.Expression | None]:
    """For each file the range that `field` is known to keep within; None where nothing is known."""
    statistics = [f"{kind}.{field.name}" for kind in ("min", "max", "null_count")]
    if not _is_ordered(field.type) or not set(statistics) <= set(files.column_names):
        return iter([None] * files.num_rows)
    # Read from a checkpoint of the log, statistics come as string views, which Arrow compares with no string.
    lowest, highest = (files[name].cast(field.type) for name in statistics[:2])
    nulls = files[statistics[2]]
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
