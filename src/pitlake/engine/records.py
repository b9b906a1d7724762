"""Rows as Kafka records: the envelope of `pitlake.streams.envelope`, built by Spark."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from pitlake.engine.declarations import spark_type
from pitlake.engine.expectations import FAILED_EXPECTATIONS, is_dropped
from pitlake.lake.spec import QUARANTINE_SUFFIX, TableSpec, WriteMode
from pitlake.pipelines.definitions import Expectation
from pitlake.streams.envelope import COUNT, DELETE, EPOCH, FAILED, OP, REPLICA

DELETED = "__deleted"

_JSON = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


def lane(flow: str) -> Column:
    """The record key of an append flow: rows with one lane stay in one partition, in the landing partition's order."""
    return F.concat(F.lit(f"{flow}/"), F.substring_index(F.col("landing_id"), "-", 1))


def _payload(rows: DataFrame, columns: Sequence[str], dropped: Column) -> Column:
    fields = [
        F.map_entries(F.col(f"`{n}`")).alias(n) if isinstance(rows.schema[n].dataType, MapType) else F.col(f"`{n}`")
        for n in columns
    ]
    failed = F.when(dropped, F.col(FAILED_EXPECTATIONS)).alias(FAILED_EXPECTATIONS)
    return F.to_json(F.struct(*fields, failed), _JSON)


def _header(name: str, value: Column) -> Column:
    return F.struct(F.lit(name).alias("key"), value.cast("binary").alias("value"))


def _headers(spec: TableSpec, epoch: int, deleted: Column | None) -> Column:
    failed = F.when(F.size(FAILED_EXPECTATIONS) > 0, _header(FAILED, F.to_json(FAILED_EXPECTATIONS)))
    headers = [_header(EPOCH, F.lit(str(epoch))), failed]
    if spec.count is not None:
        headers.append(_header(COUNT, F.col(f"`{spec.count}`").cast("string")))
    if deleted is not None:
        headers.append(F.when(deleted, _header(OP, F.lit(DELETE.decode()))))
    return F.array_compact(F.array(*headers))


def _key(spec: TableSpec, flow: str) -> Column:
    if spec.mode in (WriteMode.UPSERT, WriteMode.CDC):
        return F.to_json(F.struct(*[F.col(f"`{key}`") for key in spec.keys]), _JSON)
    return lane(flow) if spec.mode is WriteMode.APPEND and spec.keys else F.lit(None).cast("string")


def as_records(rows: DataFrame, spec: TableSpec, expectations: Sequence[Expectation], *, flow: str, epoch: int) -> DataFrame:
    """Rows with `failed_expectations` (and `__deleted`, for CDC) as `(topic, key, value, headers)`.

    A dropped row goes to the quarantine's topic. Processing-time columns are left out: the writer fills them with the record's
    own timestamp, as Spark's clock stands still within a real-time batch.
    """
    dropped = is_dropped(expectations)
    columns = [column.name for column in spec.columns if column.name not in spec.processed_at]
    deleted = F.coalesce(F.col(DELETED), F.lit(False)) if DELETED in rows.columns else None
    return rows.select(
        F.when(dropped, F.lit(spec.topic + QUARANTINE_SUFFIX)).otherwise(F.lit(spec.topic)).alias("topic"),
        _key(spec, flow).cast("binary").alias("key"),
        _payload(rows, columns, dropped).cast("binary").alias("value"),
        _headers(spec, epoch, deleted).alias("headers"),
    )


def of_replica(records: DataFrame) -> DataFrame:
    """The records as a replicated flow's second query sends them."""
    says_so = f"array_append(headers, struct('{REPLICA}' AS key, CAST('' AS BINARY) AS value)) AS headers"
    return records.selectExpr("* EXCEPT (headers)", says_so)


def rows_of_records(records: DataFrame, spec: TableSpec) -> DataFrame:
    """The inverse of `as_records`: the rows in the Kafka records of a table's topic, in the table's columns.

    Records without a value are markers and no rows. Of a replicated flow the first query's are taken alone: with both, who
    follows has twice the work, and falls behind minutes where the flow itself keeps up.
    """
    types = {column.name: spark_type(column.type) for column in spec.columns}
    travelling = {name: kind for name, kind in types.items() if name not in spec.processed_at}
    schema = StructType([StructField(name, _travelling(kind)) for name, kind in travelling.items()])
    # Without a pattern Spark reads ISO 8601 by a parser of its own, several times as fast as the one that patterns need.
    row = F.from_json(F.col("value").cast("string"), schema)
    # A filter is not moved before `explode`, whose result it looks at: it would parse each record a second time.
    is_row = (F.length("value") > 0) & ~F.exists(F.coalesce("headers", F.array()), lambda header: header["key"] == REPLICA)
    rows = records.where(is_row).select("timestamp", F.explode(F.array(row)).alias("row"))
    return rows.select(*[_column(name, types[name], is_stamp=name not in travelling) for name in types])


def _travelling(kind: DataType) -> DataType:
    if not isinstance(kind, MapType):
        return kind
    return ArrayType(StructType([StructField("key", kind.keyType), StructField("value", kind.valueType)]))


def _column(name: str, kind: DataType, *, is_stamp: bool) -> Column:
    value = F.col("row").getField(name)
    column = F.col("timestamp") if is_stamp else F.map_from_entries(value) if isinstance(kind, MapType) else value
    return column.alias(name)
