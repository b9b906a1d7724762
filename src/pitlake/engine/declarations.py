"""What a dataset's `schema=` declares, in Spark's own types."""

from __future__ import annotations

from functools import cache

from pyspark.errors import PySparkException
from pyspark.sql.types import DataType, StructField, StructType

from pitlake.pipelines.definitions import Dataset
from pitlake.pipelines.locations import error_at
from pitlake.pipelines.schemas import ColumnSchema, TableSchema, parse_schema


def declared_schema(dataset: Dataset) -> TableSchema | None:
    """The declared columns and primary key, None without a declaration. Raises DefinitionError for DDL that cannot be read."""
    return parse_schema(dataset.schema, location=dataset.location) if dataset.schema is not None else None


def declared_struct(dataset: Dataset) -> StructType | None:
    """The declared columns as Spark reads them from the stored table, None without a declaration. Raises DefinitionError."""
    declared = declared_schema(dataset)
    if declared is None:
        return None
    return StructType([StructField(c.name, column_type(dataset, c), c.nullable) for c in declared.columns])


def column_type(dataset: Dataset, column: ColumnSchema) -> DataType:
    """The type of a declared column. Raises DefinitionError for what is no type of Spark."""
    try:
        return spark_type(column.type)
    except PySparkException as error:
        what = f"{dataset.name}.{column.name} is declared {column.type}, which is no type of Spark"
        raise error_at(dataset.location, what, "Declare a Spark SQL type such as STRING or DOUBLE.") from error


@cache
def spark_type(ddl: str) -> DataType:
    """The type that is written as `ddl`; remembered, as Spark is asked for it. Raises PySparkException for what is none."""
    return DataType.fromDDL(ddl)
