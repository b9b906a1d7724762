"""Materialized views: when they are refreshed, and what becomes of a refresh."""

from __future__ import annotations

import json
import uuid

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from pitlake.engine.event_log import EventLog, ProgressLog
from pitlake.engine.events import Update
from pitlake.engine.expectations import with_failed_expectations
from pitlake.engine.planning import FlowPlan
from pitlake.engine.records import as_records
from pitlake.engine.views import Views, publish_refresh
from pitlake.lake.source import PRUNING, DeltaTableSource
from pitlake.lake.spec import Column, TableSpec, WriteMode
from pitlake.lake.writer.refresh import last_whole
from pitlake.streams.consumers import BEGINNING, TopicReader
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import Topic, ensure_topics
from tests.support.waiting import await_that
from tests.support.writing import START, open_writer, stored

UPDATE = Update("c", "s", 7)


def _spec(name, topic=None):
    columns = (Column(name="v", type="BIGINT"),)
    return TableSpec(name=f"c.s.{name}", topic=topic or name, mode=WriteMode.REFRESH, columns=columns, keys=("v",))


class Told:
    """Views whose refreshes are noted, with a clock that is set by hand."""

    def __init__(self, tmp_path, *intervals, failing=()):
        self.seconds, self.refreshed, self.rows, self.reported = 0.0, [], [], []
        self._failing = list(failing)
        log = EventLog(self, UPDATE, lambda: START)
        progress = ProgressLog(log, str(tmp_path), {})
        plans = [FlowPlan(f"v{n}", _spec(f"v{n}"), None, interval) for n, interval in enumerate(intervals)]
        self.views = Views(
            plans, self._publish, log=log, progress=progress, report=self.reported.append, clock=lambda: self.seconds
        )

    def _publish(self, plan, refresh):
        self.refreshed.append((plan.name, refresh))
        if self._failing:
            raise self._failing.pop()

    def send(self, topic, value):
        self.rows.append(json.loads(value))


def test_each_view_is_refreshed_at_its_interval(tmp_path):
    told = Told(tmp_path, "1 minute", "30 seconds")
    waits = []
    for told.seconds in (0.0, 10.0, 30.0, 60.0):
        waits.append(told.views.refresh_due())
    assert told.refreshed == [("v0", 0), ("v1", 0), ("v1", 30_000), ("v0", 60_000), ("v1", 60_000)]
    assert waits == [30.0, 20.0, 30.0, 30.0]


def test_refreshes_that_were_missed_are_not_made_up_for(tmp_path):
    told = Told(tmp_path, "1 minute")
    for told.seconds in (0.0, 600.0):
        told.views.refresh_due()
    assert (len(told.refreshed), told.views.refresh_due()) == (2, 60.0)


def test_a_refresh_tells_how_far_its_table_is(tmp_path):
    told = Told(tmp_path, "1 minute")
    told.views.refresh_due()
    assert [(row["level"], row["origin"]["flow_name"], row["origin"]["batch_id"]) for row in told.rows] == [("METRICS", "v0", 0)]


def test_a_refresh_that_fails_is_told_and_tried_again_when_the_next_is_due(tmp_path):
    told = Told(tmp_path, "1 minute", "1 minute", failing=[ValueError("[DIVIDE_BY_ZERO] no")])
    for told.seconds in (0.0, 60.0):
        told.views.refresh_due()
    assert [name for name, _ in told.refreshed] == ["v0", "v1", "v0", "v1"]
    failed = [row for row in told.rows if row["level"] == "ERROR"]
    assert [row["error"]["exceptions"][0]["error_class"] for row in failed] == ["DIVIDE_BY_ZERO"]
    assert told.reported == ["v0 was not refreshed: [DIVIDE_BY_ZERO] no"]


def test_views_are_refreshed_until_they_are_stopped(tmp_path):
    told = Told(tmp_path, "1 minute")
    told.views.start()
    await_that(lambda: told.refreshed, "the first refresh")
    told.views.stop()
    told.seconds = 60.0
    told.views.refresh_due()
    assert len(told.refreshed) == 1
    statuses = [json.loads(row["details"])["flow_progress"]["status"] for row in told.rows]
    assert (statuses[0], statuses[-1]) == ("RUNNING", "STOPPED")


def test_without_views_there_is_nothing_to_stop(tmp_path):
    told = Told(tmp_path)
    told.views.start()
    told.views.stop()
    assert told.rows == []


@pytest.fixture(name="view")
def _view(spark, broker, tmp_path):
    """A view by its query over what `hold` has put into a table; `refresh` publishes it, `write` gives what its table becomes."""
    spark.dataSource.register(DeltaTableSource)

    class View:
        source = str(tmp_path / "source")
        topic = f"view-{uuid.uuid4().hex}"
        spec = _spec("view", topic)

        def __init__(self, query):
            ensure_topics(broker.bootstrap, [Topic(self.topic)])
            rows = spark.read.format("pitlake").option(PRUNING, "true").schema("v BIGINT").load(self.source).where("v < 10")
            judged = with_failed_expectations(rows.selectExpr(query), [], "view")
            records = as_records(judged, self.spec, [], flow="view", epoch=7)
            self.plan = FlowPlan("view", self.spec, records, "1 minute")
            self.writer = open_writer(tmp_path, self.spec)

        def hold(self, *values):
            write_deltalake(self.source, pa.table({"v": pa.array(values, pa.int64())}), mode="overwrite")

        def refresh(self, number):
            with Publisher(broker.bootstrap) as publisher:
                publish_refresh(self.plan, publisher, epoch=7, refresh=number)

        def write(self):
            records = []
            with TopicReader(broker.bootstrap, self.topic, {0: self.writer.offsets.get(0, BEGINNING)}) as reader:
                while not reader.at_end:
                    records += reader.take(100, 0.2)
            whole, unended = last_whole(records)
            assert unended == []
            self.writer.write(whole)
            return [row["v"] for row in stored(tmp_path, self.spec)]

    return View


def test_a_published_refresh_is_what_the_table_becomes(view):
    view = view("v")
    view.hold(1, 2)
    view.refresh(1)
    assert view.write() == [1, 2]
    view.hold(2, 3)
    view.refresh(2)
    assert view.write() == [2, 3]


def test_a_refresh_without_rows_empties_the_table(view):
    view = view("v")
    view.hold(1)
    view.refresh(1)
    assert view.write() == [1]
    view.hold()
    view.refresh(2)
    assert view.write() == []


def test_each_refresh_has_its_own_present(view):
    view = view("unix_micros(current_timestamp()) + v as v")
    view.hold(0)
    presents = []
    for refresh in (1, 2):
        view.refresh(refresh)
        presents += view.write()
    assert presents[0] < presents[1]
