"""Plain Spark structured streaming: one query whose foreachBatch writes the topic and merges into Delta with delta-rs.

    python -m benchmarks.contenders.spark.job --bootstrap HOST:PORT --landing TOPIC --topic TOPIC --table PATH --equipment PATH
        --checkpoint PATH

Configured by Spark's guide for structured streaming: no trigger interval, so that "the query will be executed … as soon as the
previous micro-batch has completed processing" (Triggers); several outputs of one query in one foreachBatch (Using Foreach and
ForeachBatch), with the rows taken once; RocksDB with changelog checkpointing, "to lower … end-to-end latency" (State Store); one
shuffle partition, as many as the state needs at these rates (the default of 200 is slower by far); asynchronous progress tracking
is for stateless queries only. The rest of the session is pitlake's own, which is tuned for this machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import Producer
from deltalake import DeltaTable

from benchmarks.contenders.spark.minutes import minutes
from pitlake.engine.session import start_session
from pitlake.local.jars import fetch_jars

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEYS = ("window_start", "equipment_id", "sensor_name")
REOPENED_AFTER = 25


class Sinks:
    """The topic, then the Delta table: a reader of the topic does not wait for the commit."""

    def __init__(self, bootstrap: str, topic: str, table: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "enable.idempotence": True})
        self._topic, self._path = topic, table
        self._table: DeltaTable | None = None

    def write(self, batch: DataFrame, _batch_id: int) -> None:
        """Write one micro-batch to both. A batch that is written again changes nothing: its rows are merged by key."""
        rows = batch.toArrow()
        if rows.num_rows:
            self._publish(rows)
            self._merge(rows)

    def _publish(self, rows: pa.Table) -> None:
        for row in rows.to_pylist():
            key = f"{row['window_start']:%Y-%m-%dT%H:%M}/{row['equipment_id']}/{row['sensor_name']}"
            self._producer.produce(self._topic, orjson.dumps(row), key)
        self._producer.flush()

    def _merge(self, rows: pa.Table) -> None:
        matched = " AND ".join(f"t.{key} = s.{key}" for key in KEYS)
        # A literal bound lets the merge leave the files of older windows alone.
        bound = f"t.window_start >= '{pc.min(rows['window_start']).as_py().isoformat()}'"
        merge = self._opened(rows).merge(rows, f"{bound} AND {matched}", source_alias="s", target_alias="t")
        merge.when_matched_update_all().when_not_matched_insert_all().execute()

    def _opened(self, rows: pa.Table) -> DeltaTable:
        """The table, opened anew now and then: a DeltaTable grows slower with each commit made on it."""
        if self._table is None:
            self._table = DeltaTable.create(self._path, rows.schema, mode="ignore")
        elif self._table.version() % REOPENED_AFTER == 0:
            self._table = DeltaTable(self._path)
        return self._table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bootstrap", "landing", "topic", "table", "equipment"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    given = parser.parse_args()
    spark = start_session(given.checkpoint, fetch_jars().spark)
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", given.bootstrap)
        .option("subscribe", given.landing)
        .option("startingOffsets", "earliest")
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )
    equipment = spark.createDataFrame(DeltaTable(given.equipment).to_pyarrow_table())
    sinks = Sinks(given.bootstrap, given.topic, given.table)
    writer = minutes(records, equipment).writeStream.outputMode("update").foreachBatch(sinks.write)
    writer.option("checkpointLocation", str(given.checkpoint / "query")).start().awaitTermination()


if __name__ == "__main__":
    main()
