"""Delta tables in Spark: types, comments, and the present rows at each batch."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.errors import AnalysisException
from pyspark.sql.functions import broadcast, col
from pyspark.sql.types import LongType, StringType, StructField, StructType

from pitlake.errors import ConfigurationError, LakeError
from pitlake.lake.source import PRUNING, PRUNING_CONF, DeltaTableReader, DeltaTableSource

AT = datetime(2026, 2, 15, 4, 12, 9, 113456, tzinfo=UTC)
EVERY_TYPE = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"comment": "the key"}),
        ("small", pa.int8()),
        ("medium", pa.int32()),
        ("large", pa.int64()),
        ("single", pa.float32()),
        ("double", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")),
        ("price", pa.decimal128(10, 2)),
        ("raw", pa.binary()),
        ("tags", pa.map_(pa.string(), pa.string())),
        ("list", pa.list_(pa.float64())),
        ("parts", pa.list_(pa.struct([("name", pa.string()), ("at", pa.timestamp("us", "UTC"))]))),
        ("origin", pa.struct([pa.field("update_id", pa.string(), nullable=False), ("n", pa.int64())])),
    ]
)
CONDITIONED = pa.schema(
    [
        ("v", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("day", pa.date32()),
        ("name", pa.string()),
        ("flag", pa.bool_()),
        ("share", pa.float64()),
        ("origin", pa.struct([("n", pa.int64())])),
    ]
)
ROW = {
    "id": "a",
    "small": 1,
    "medium": 2,
    "large": 3,
    "single": 0.5,
    "double": 1.5,
    "flag": True,
    "day": date(2026, 2, 15),
    "at": AT,
    "price": Decimal("12.34"),
    "raw": b"\x00\xff",
    "tags": [("k", "v")],
    "list": [1.0, None],
    "parts": [{"name": "p", "at": AT}],
    "origin": {"update_id": "u", "n": None},
}


@pytest.fixture(scope="module")
def source(spark):
    spark.dataSource.register(DeltaTableSource)
    return spark.read.format("pitlake")


@pytest.fixture
def pruning(spark, source):
    spark.conf.set(PRUNING_CONF, "true")
    yield spark.read.format("pitlake").option(PRUNING, "true")
    spark.conf.unset(PRUNING_CONF)


def test_every_type_arrives_as_it_was_stored(source, tmp_path):
    nothing = dict.fromkeys(EVERY_TYPE.names) | {"id": "b"}
    stored = pa.Table.from_pylist([ROW, nothing], schema=EVERY_TYPE)
    write_deltalake(str(tmp_path), stored)
    rows = [row.asDict(recursive=True) for row in source.load(str(tmp_path)).orderBy("id").collect()]
    naive = AT.replace(tzinfo=None)  # Spark collects timestamps without a zone, in the zone of the process: UTC here
    expected = ROW | {"at": naive, "tags": {"k": "v"}, "parts": [{"name": "p", "at": naive}], "raw": bytearray(b"\x00\xff")}
    assert rows == [expected, nothing]


def test_columns_keep_comments_and_nullability(source, tmp_path):
    write_deltalake(str(tmp_path), EVERY_TYPE.empty_table())
    field = source.load(str(tmp_path)).schema["id"]
    assert (field.metadata, field.nullable) == ({"comment": "the key"}, False)


def test_a_table_without_rows_reads_as_none(source, tmp_path):
    write_deltalake(str(tmp_path), EVERY_TYPE.empty_table())
    assert source.load(str(tmp_path)).count() == 0


def test_partition_columns_are_read(source, tmp_path):
    write_deltalake(str(tmp_path), pa.table({"k": ["x", "y"], "v": [1, 2]}), partition_by=["k"])
    assert sorted(map(tuple, source.load(str(tmp_path)).select("v", "k").collect())) == [(1, "x"), (2, "y")]


def test_the_same_frame_reads_the_present_snapshot_each_time(source, tmp_path):
    write_deltalake(str(tmp_path), pa.table({"v": [1]}))
    frame = source.load(str(tmp_path))
    before = frame.count()
    write_deltalake(str(tmp_path), pa.table({"v": [2]}), mode="append")
    assert (before, frame.count()) == (1, 2)


def test_a_changed_row_takes_effect_at_the_next_batch_of_a_stream(spark, source, tmp_path):
    dimension, inbox = str(tmp_path / "dimension"), tmp_path / "inbox"
    inbox.mkdir()
    write_deltalake(dimension, pa.table({"id": ["CR_002"], "location": ["Pit 1"]}))
    readings = spark.readStream.schema("id STRING").json(str(inbox))
    joined = readings.join(broadcast(source.load(dimension)), "id")
    query = (
        joined.writeStream.format("memory").queryName("joined").option("checkpointLocation", str(tmp_path / "checkpoint")).start()
    )
    try:
        (inbox / "1.json").write_text('{"id": "CR_002"}')
        query.processAllAvailable()
        DeltaTable(dimension).update(updates={"location": "'Pit 2'"})
        (inbox / "2.json").write_text('{"id": "CR_002"}')
        query.processAllAvailable()
    finally:
        query.stop()
    assert sorted(row.location for row in spark.table("joined").select(col("location")).collect()) == ["Pit 1", "Pit 2"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("at > timestamp'2026-02-15 04:12:09.113456Z'", [1]),
        ("at >= timestamp'2026-02-15 04:12:09.113456Z'", [0, 1]),
        ("at < current_timestamp() AND at <= timestamp'2026-02-15 04:12:09.113456Z'", [0]),
        ("day = date'2026-02-16'", [1]),
        ("name < 'b' AND v < 1", [0]),
        ("v = 1 AND flag AND share > 0.5", [1]),
        ("name IS NULL", [2]),
        ("day < date'2026-02-16' OR v = 2", [0, 2]),
        ("origin.n = 1", [1]),
    ],
)
def test_a_condition_finds_the_same_rows_wherever_it_is_applied(pruning, tmp_path, condition, found):
    rows = [
        {
            "v": n,
            "at": AT + timedelta(hours=24 * n),
            "day": date(2026, 2, 15 + n),
            "name": "abc"[n],
            "flag": True,
            "share": float(n),
        }
        for n in range(2)
    ]
    for row in (*rows, {"v": 2}):
        origin = {"n": row["v"]}
        write_deltalake(str(tmp_path), pa.Table.from_pylist([row | {"origin": origin}], schema=CONDITIONED), mode="append")
    assert sorted(row.v for row in pruning.load(str(tmp_path)).where(condition).select("v").collect()) == found


def test_files_that_cannot_match_are_not_read(pruning, tmp_path):
    for n in range(2):
        write_deltalake(str(tmp_path), pa.table({"v": [n]}), mode="append")
    files = {pq.read_table(file)["v"][0].as_py(): file for file in tmp_path.glob("*.parquet")}
    files[0].unlink()
    assert [row.v for row in pruning.load(str(tmp_path)).where("v >= 1").collect()] == [1]


def test_a_table_may_come_to_be_after_its_frame(spark, tmp_path):
    frame = spark.read.format("pitlake").schema("v BIGINT").load(str(tmp_path / "later"))
    write_deltalake(str(tmp_path / "later"), pa.table({"v": [1]}))
    assert [row.v for row in frame.collect()] == [1]


def test_a_column_added_after_planning_is_left_out(tmp_path):
    planned = StructType([StructField("v", LongType())])
    write_deltalake(str(tmp_path), pa.table({"v": [1], "new": ["x"]}))
    batches = DeltaTableReader({"path": str(tmp_path)}, planned).read(None)
    assert [batch.to_pylist() for batch in batches] == [[{"v": 1}]]


def test_a_reader_can_be_sent_to_an_executor(tmp_path):
    write_deltalake(str(tmp_path), pa.table({"v": ["x"]}))
    reader = pickle.loads(pickle.dumps(DeltaTableReader({"path": str(tmp_path)}, StructType([StructField("v", StringType())]))))  # noqa: S301
    assert [batch.to_pylist() for batch in reader.read(None)] == [[{"v": "x"}]]


def test_a_missing_path_is_said():
    with pytest.raises(ConfigurationError, match="no path"):
        DeltaTableSource({}).schema()


def test_a_missing_table_is_said(tmp_path):
    with pytest.raises(LakeError, match="no Delta table at"):
        DeltaTableSource({"path": str(tmp_path / "none")}).schema()


def test_spark_passes_the_reason_on(source, tmp_path):
    with pytest.raises(AnalysisException, match="There is no Delta table at"):
        source.load(str(tmp_path / "none"))


def test_workers_need_neither_duckdb_nor_sqlglot():
    heavy = {"duckdb", "sqlglot", "pydantic", "rich", "confluent_kafka"}
    program = f"import sys, pitlake.lake.source; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
