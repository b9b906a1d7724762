"""The application's pipeline file, planned as the engine runs it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from deltalake import write_deltalake

from pitlake.engine.planning import plan_update
from pitlake.engine.sources import GraphReader
from pitlake.lake.names import TableName
from pitlake.lake.source import DeltaTableSource
from pitlake.lake.spec import WriteMode
from pitlake.mining import dimensions
from pitlake.pipelines.loading import load


@pytest.fixture(name="update")
def _update(spark, tmp_path):
    spark.dataSource.register(DeltaTableSource)
    tables = [TableName("mine", "site", name) for name in ("equipment_master", "sensor_definitions", "shift_schedule")]
    for table in tables:
        write_deltalake(table.path(str(tmp_path)), getattr(dimensions, table.name)())
    pipeline = load([Path(importlib.util.find_spec("pitlake.mining.pipeline").origin)])
    place = {"catalog": "mine", "schema": "site"}
    reader = GraphReader(pipeline, spark, bootstrap="", lake=str(tmp_path), landing={"mining_ot_stream"}, tables=tables, **place)
    return plan_update(pipeline, reader, epoch=7, **place)


def test_the_mining_pipeline_can_be_planned(update):
    assert {TableName.parse(spec.name).name: (spec.mode, spec.keys) for spec in update.specs} == {
        "ot_telemetry_bronze": (WriteMode.APPEND, ("landing_id", "batch_index")),
        "ot_sensors_normalized": (WriteMode.APPEND, ("landing_id", "batch_index", "sensor_name")),
        "ot_sensors_normalized_quarantine": (WriteMode.APPEND, ("landing_id", "batch_index", "sensor_name")),
        "equipment_performance_1min": (WriteMode.UPSERT, ("window_start", "equipment_id", "sensor_name")),
        "equipment_performance_1hour": (WriteMode.UPSERT, ("window_start", "equipment_id", "sensor_name")),
        "equipment_current_status": (WriteMode.CDC, ("equipment_id", "sensor_name")),
        "pipeline_quality_metrics": (WriteMode.UPSERT, ("minute",)),
        "equipment_baseline": (WriteMode.REFRESH, ("equipment_id", "sensor_name")),
        "ml_predictions": (WriteMode.CDC, ("window_start", "equipment_id", "sensor_name")),
    }


def test_only_tables_joined_to_streams_are_held(update):
    sides = {table.name for table in update.sides}
    assert sides == {"equipment_master", "sensor_definitions", "shift_schedule", "equipment_baseline"}


def test_status_and_predictions_follow_the_topics_of_what_they_read(update):
    followed = {flow.spec.name: _topics(flow.records) for flow in update.flows if flow.spec.mode is WriteMode.CDC}
    assert followed == {
        "mine.site.equipment_current_status": {"mine.site.ot_sensors_normalized"},
        "mine.site.ml_predictions": {"mine.site.equipment_performance_1min"},
    }


def _topics(records):
    """The topics from which a query streams."""
    return set(re.findall(r"subscribe=([\w.]+)", records._jdf.queryExecution().analyzed().toString()))
