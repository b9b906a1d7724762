"""Queries between topics on a real broker, each on a checkpoint of its own."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.options import Mode
from pitlake.engine.planning import FlowPlan
from pitlake.engine.queries import start_query
from pitlake.engine.sources import landing_stream
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher
from pitlake.streams.records import Record
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.writing import upsert_spec


class Landing:
    """A landing topic, an output topic, and queries between them on one checkpoint."""

    def __init__(self, spark: SparkSession, bootstrap: str, folder: Path) -> None:
        self.spark, self.bootstrap, self.folder = spark, bootstrap, folder
        self.source, self.target = (f"{side}-{uuid.uuid4().hex}" for side in ("landing", "gold"))
        ensure_topics(bootstrap, [Topic(self.source), Topic(self.target)])
        self.sent = 0

    def send(self, count: int) -> None:
        with Publisher(self.bootstrap) as publisher:
            for _ in range(count):
                publisher.send(self.source, str(self.sent % 3).encode())
                self.sent += 1

    def delete_before(self, offset: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        [deleted] = admin.delete_records([TopicPartition(self.source, 0, offset)]).values()
        deleted.result(10)

    def stream(self) -> DataFrame:
        return landing_stream(self.spark, self.bootstrap, self.source)

    def plan(self, rows: DataFrame) -> FlowPlan:
        headers = F.array().cast("array<struct<key: string, value: binary>>").alias("headers")
        records = rows.select(F.lit(self.target).alias("topic"), F.to_json(F.struct("*")).alias("value"), headers)
        return FlowPlan("f", upsert_spec(topic=self.target), records, "5 seconds")

    def start(self, rows: DataFrame, mode: Mode) -> StreamingQuery:
        return self.start_plan(self.plan(rows), mode)

    def start_plan(self, plan: FlowPlan, mode: Mode) -> StreamingQuery:
        return start_query(plan, mode, bootstrap=self.bootstrap, checkpoints=str(self.folder))

    def records(self) -> list[Record]:
        records: list[Record] = []
        with TopicReader(self.bootstrap, self.target, {0: BEGINNING}) as reader:
            while not reader.at_end:
                records += reader.take(1000, 0.2)
        return records

    def received(self) -> list[dict[str, Any]]:
        return [json.loads(record.value or b"null") for record in self.records()]

    def counts(self) -> dict[str, int]:
        highest: dict[str, int] = {}
        for row in self.received():
            highest[row["k"]] = max(row["n"], highest.get(row["k"], 0))
        return highest


def counted(rows: DataFrame, *more: Column) -> DataFrame:
    """How many records of each value there are, and `more` of them."""
    value = F.col("value").cast("string").alias("k")
    counts = rows.withWatermark("timestamp", "30 seconds").groupBy(F.window("timestamp", "10 days"), value)
    return counts.agg(F.count("*").alias("n"), *more).drop("window")
