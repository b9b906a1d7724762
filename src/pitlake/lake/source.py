"""Delta tables as a Spark data source over delta-rs.

Spark plans a batch reader anew whenever it reads, and `read` opens the table's snapshot of that moment. Spark's Python workers
import this module, so it imports little beyond what they have loaded.
"""

from __future__ import annotations

import json
import operator
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    EqualTo,
    Filter,
    GreaterThan,
    GreaterThanOrEqual,
    InputPartition,
    LessThan,
    LessThanOrEqual,
)
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from pitlake.errors import ConfigurationError, LakeError
from pitlake.lake.snapshots import snapshot_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

PRUNING = "pruning"
PRUNING_CONF = "spark.sql.python.filterPushdown.enabled"

Comparison = tuple[str, "Callable[[Any, Any], Any]", Any]


class DeltaTableSource(DataSource):
    """`spark.read.format("pitlake").load(path)`: the current snapshot of the Delta table at a directory or object-store URL.

    With the option `pruning`, files and rows that do not meet a query's conditions are not read; Spark then wants `PRUNING_CONF`
    to be set while it plans, and takes longer to. Every further option is handed to delta-rs as a storage option. Columns keep
    Delta's types, nullability and comments. With `spark.read.schema`, the table need not exist before it is read.
    Raises ConfigurationError without a path, LakeError where there is no table.
    """

    @classmethod
    def name(cls) -> str:
        """The format's name in `spark.read.format`."""
        return "pitlake"

    def schema(self) -> StructType:
        """The table's present schema."""
        return struct_of(_open(dict(self.options)))

    def reader(self, schema: StructType) -> DataSourceReader:
        """A reader of the columns in `schema`."""
        options = dict(self.options)
        return PruningReader(options, schema) if options.pop(PRUNING, None) else DeltaTableReader(options, schema)


class DeltaTableReader(DataSourceReader):
    """Reads whatever snapshot is current when it is read, as one partition."""

    def __init__(self, options: dict[str, str], schema: StructType) -> None:
        self._options = options
        self._schema = schema
        self._comparisons: list[Comparison] = []

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 (there is only one)
        """The snapshot's rows as Arrow record batches in the very types that Spark expects."""
        return rows_as(self._schema, _open(self._options), self._comparisons)


class PruningReader(DeltaTableReader):
    """Reads only what may meet the conditions that the query names."""

    def pushFilters(self, filters: list[Filter]) -> Iterable[Filter]:  # noqa: N802 (Spark's name)
        """Leave out files and rows by the comparisons among `filters`; Spark still applies all of them itself."""
        self._comparisons = list(_comparisons(filters))
        return filters


def struct_of(table: DeltaTable) -> StructType:
    """A table's present columns in Spark's types, with nullability and comments."""
    return StructType.fromJson(json.loads(table.schema().to_json()))


def rows_as(schema: StructType, table: DeltaTable, comparisons: Collection[Comparison] = ()) -> Iterator[pa.RecordBatch]:
    """The rows of `table` as it was opened, in the columns of `schema` and the very types that Spark expects of them.

    Those that do not meet `comparisons` are left out.
    """
    wanted = to_arrow_schema(schema, timezone="UTC")
    dataset = snapshot_dataset(table, [column for column, *_ in comparisons])
    for batch in dataset.to_batches(columns=wanted.names, filter=_matching(comparisons, dataset.schema)):
        yield batch.cast(wanted)


def opened(path: str, storage: Mapping[str, str] | None = None) -> DeltaTable:
    """The table at a directory or object-store URL; `storage` are options of delta-rs. Raises LakeError where there is none."""
    try:
        return DeltaTable(path, storage_options=dict(storage) if storage else None)
    except TableNotFoundError as error:
        raise LakeError(f"There is no Delta table at {path}.", do="Seed or create the table before it is read.") from error


def _comparisons(filters: Iterable[Filter]) -> Iterator[Comparison]:
    """Those of the filters that compare a column with a text, a whole number, a date or a time: column, comparison, value."""
    for each in filters:
        match each:
            case EqualTo((column,), str() | int() | date() as value):
                yield column, operator.eq, value
            case GreaterThan((column,), str() | int() | date() as value):
                yield column, operator.gt, value
            case GreaterThanOrEqual((column,), str() | int() | date() as value):
                yield column, operator.ge, value
            case LessThan((column,), str() | int() | date() as value):
                yield column, operator.lt, value
            case LessThanOrEqual((column,), str() | int() | date() as value):
                yield column, operator.le, value


def _matching(comparisons: Iterable[Comparison], schema: pa.Schema) -> pc.Expression | None:
    terms = [compare(pc.field(column), pa.scalar(value, schema.field(column).type)) for column, compare, value in comparisons]
    return reduce(operator.and_, terms) if terms else None


def _open(options: dict[str, str]) -> DeltaTable:
    storage = {name: value for name, value in options.items() if name != PRUNING}
    path = storage.pop("path", None)
    if path is None:
        raise ConfigurationError("The format 'pitlake' was given no path.", do="Say which table with .load(path).")
    return opened(path, storage)
