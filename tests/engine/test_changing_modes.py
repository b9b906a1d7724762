"""A small pipeline on one checkpoint in both modes, from a real broker into Delta: its tables are the same, whatever the mode."""

from __future__ import annotations

import uuid

import pytest

from pitlake.engine import sources
from pitlake.engine.planning import plan_update
from pitlake.engine.queries import start_query
from pitlake.engine.sources import GraphReader, landing_stream
from pitlake.pipelines.loading import load
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.definitions import write_file
from tests.support.waiting import await_that
from tests.support.writing import open_writer, stored

PIPELINE = """
@dp.table(schema="landing_id STRING NOT NULL, name STRING, timestamp TIMESTAMP, PRIMARY KEY (landing_id)")
@dp.expect_or_drop("named", "name <> '2'")
def silver():
    return spark.readStream.table("{landing}").select("landing_id", F.col("value").cast("string").alias("name"), "timestamp")

@dp.table(spark_conf={{"pipelines.trigger.interval": "5 seconds"}})
def gold():
    named = spark.readStream.table("silver").withWatermark("timestamp", "30 seconds")
    counts = named.groupBy(F.window("timestamp", "10 days").alias("w"), "name").agg(F.count("*").alias("n"))
    return counts.select(F.col("w.start").alias("day"), "name", "n")
"""


class Site:
    """A landing topic, a planned pipeline, and the Delta tables that a writer makes of its topics."""

    def __init__(self, spark, bootstrap, folder):
        self._spark, self._bootstrap, self._folder = spark, bootstrap, folder
        self._landing, self._schema = (f"{name}_{uuid.uuid4().hex}" for name in ("landing", "site"))
        self._plans = []
        self._read = {}
        self.sent = 0
        ensure_topics(bootstrap, [Topic(self._landing)])

    def send(self, count):
        with Publisher(self._bootstrap) as publisher:
            for _ in range(count):
                publisher.send(self._landing, str(self.sent % 3).encode())
                self.sent += 1

    def start(self, mode, epoch):
        pipeline = load([write_file(self._folder, PIPELINE.format(landing=self._landing))])
        place = {"catalog": "mine", "schema": self._schema}
        reader = GraphReader(
            pipeline, self._spark, bootstrap=self._bootstrap, lake="", landing={self._landing}, tables=(), **place
        )
        self._plans = plan_update(pipeline, reader, epoch=epoch, **place).flows
        ensure_topics(self._bootstrap, [Topic(topic) for plan in self._plans for topic in plan.topics])
        return [
            start_query(plan, mode, bootstrap=self._bootstrap, checkpoints=str(self._folder / "checkpoints"))
            for plan in self._plans
        ]

    def table(self, name):
        [spec] = [plan.spec for plan in self._plans if plan.target == name]
        writer = open_writer(self._folder / "lake", spec)
        with TopicReader(self._bootstrap, spec.topic, writer.offsets or {0: BEGINNING}) as reader:
            while not reader.at_end:
                if records := reader.take(1000, 0.2):
                    writer.write(records)
        return stored(self._folder / "lake", spec)


@pytest.fixture(name="site")
def _site(spark, broker, tmp_path, monkeypatch, real_time_state):
    monkeypatch.setattr(sources, "landing_stream", landing_stream)
    return Site(spark, broker.bootstrap, tmp_path)


def test_tables_are_the_same_whatever_modes_their_flows_have_run_in(site):
    for epoch, mode in enumerate(("micro-batch", "realtime", "micro-batch"), start=1):
        site.send(30)
        queries = site.start(mode, epoch)
        each = site.sent // 3
        await_that(lambda: len(site.table("silver")) == 2 * each, f"every reading is in silver, in {mode}")  # noqa: B023
        wanted = {"0": each, "1": each}
        await_that(lambda: {row["name"]: row["n"] for row in site.table("gold")} == wanted, f"gold has counted, in {mode}")  # noqa: B023
        for query in queries:
            query.stop()
    landed = [row["landing_id"] for row in site.table("silver")]
    assert len(landed) == len(set(landed))
