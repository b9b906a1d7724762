"""The pipeline file, run as a platform runs it: with `spark` given, against names that write down what they are told."""

from __future__ import annotations

import importlib.util
import re
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pyspark
import pytest

from pitlake.mining import dimensions

LANDING = "landing_id STRING, value BINARY, timestamp TIMESTAMP"


@dataclass
class Recorded:
    """What a pipeline file registers."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    queries: dict[str, Callable[[], Any]] = field(default_factory=dict)
    expectations: dict[str, str] = field(default_factory=dict)
    cdc: list[dict[str, Any]] = field(default_factory=list)

    def module(self) -> ModuleType:
        module = ModuleType("pyspark.pipelines")
        module.table = module.temporary_view = module.materialized_view = self._dataset
        module.create_streaming_table = lambda **settings: self.tables.update({settings["name"]: settings})
        module.create_auto_cdc_flow = lambda **settings: self.cdc.append(settings)
        module.expect = module.expect_or_drop = lambda name, condition: self._expect({name: condition})
        module.expect_all = module.expect_all_or_drop = self._expect
        return module

    def _dataset(self, **settings: Any):
        def register(query: Callable[[], Any]):
            self.tables[settings["name"]] = settings
            self.queries[settings["name"]] = query
            return query

        return register

    def _expect(self, conditions: dict[str, str]):
        self.expectations.update(conditions)
        return lambda query: query


class GivenSpark:
    """`spark` as the platform gives it: tables of the pipeline are their queries, the others are the site's."""

    def __init__(self, spark, recorded: Recorded) -> None:
        self._spark, self._recorded = spark, recorded
        self.read = self.readStream = SimpleNamespace(table=self._table, option=lambda *_: self.readStream)

    def _table(self, name: str):
        if name in self._recorded.queries:
            return self._recorded.queries[name]()
        if name == "mining_ot_stream":
            return self._spark.createDataFrame([], LANDING)
        return self._spark.createDataFrame(getattr(dimensions, name)())


@pytest.fixture
def recorded(spark, monkeypatch) -> Recorded:
    recorded = Recorded()
    module = recorded.module()
    monkeypatch.setitem(sys.modules, "pyspark.pipelines", module)
    monkeypatch.setattr(pyspark, "pipelines", module, raising=False)
    file = importlib.util.find_spec("pitlake.mining.pipeline").origin
    runpy.run_path(file, init_globals={"spark": GivenSpark(spark, recorded)})
    return recorded


def test_the_tables_are_those_of_the_specification(recorded):
    assert list(recorded.tables) == [
        "ot_telemetry_bronze",
        "ot_sensors_normalized",
        "valid_readings",
        "equipment_performance_1min",
        "equipment_performance_1hour",
        "equipment_status_changes",
        "equipment_current_status",
        "pipeline_quality_metrics",
        "equipment_baseline",
        "deviating_minutes",
        "ml_predictions",
    ]


def test_silver_and_the_minutes_are_computed_by_two_queries(recorded):
    twice = [name for name, table in recorded.tables.items() if "pitlake.replicas" in table.get("table_properties", {})]
    assert twice == ["ot_sensors_normalized", "equipment_performance_1min"]


def test_every_query_gives_the_columns_that_its_table_declares(recorded, columns_of):
    flows = {flow["source"]: flow for flow in recorded.cdc}
    for name, query in recorded.queries.items():
        if name == "valid_readings":
            continue
        flow = flows.get(name, {"target": name})
        stored = [column for column in query().dtypes if column[0] not in flow.get("except_column_list", ())]
        assert stored == columns_of(recorded.tables[flow["target"]]["schema"]), name


def test_every_table_and_every_column_has_a_comment(recorded):
    for name, settings in recorded.tables.items():
        assert settings["comment"], name
        columns = [line for line in settings.get("schema", "").strip().splitlines() if "CONSTRAINT" not in line]
        assert all(re.search(r" COMMENT '[^']+',$", line) for line in columns), name


def test_properties_name_columns_of_the_table(recorded, columns_of):
    for settings in recorded.tables.values():
        properties = settings.get("table_properties", {})
        named = {
            properties[key]
            for key in ("pitlake.eventTime", "pitlake.ingestionTime", "pitlake.retentionColumn")
            if key in properties
        }
        assert named <= {name for name, _ in columns_of(settings["schema"])} if named else True


def test_expectations_are_true_or_false_for_every_row(spark, recorded):
    nulls = "event_timestamp TIMESTAMP, equipment_id STRING, sensor_name STRING, sensor_value DOUBLE, sensor_text STRING, "
    row = spark.createDataFrame([(None,) * 7], nulls + "_rescued_data STRING, window_start TIMESTAMP")
    assert None not in row.selectExpr(*recorded.expectations.values()).first()


def test_silver_refuses_what_has_no_time_no_machine_or_no_value(silver_frame, recorded):
    def message(tags: dict[str, Any], machine: str | None = "CR_002", stamp: str = "2026-02-15T04:12:09Z") -> dict[str, Any]:
        return {"message_id": stamp, "timestamp": stamp, "batch": [{"equipment_id": machine, "tags": tags}]}

    rows = silver_frame(
        message({"Vibration_MM_S": 20.5, "Motor_Temp_C": None, "Motor_Current_A": "high"}),
        message({}),
        message({"Vibration_MM_S": 20.5}, machine=None),
        message({"Vibration_MM_S": 20.5}, stamp="yesterday"),
        b"truncated",
    )
    drops = [recorded.expectations[name] for name in ("valid_timestamp", "valid_equipment", "valid_sensor", "valid_value")]
    kept = rows.where(" AND ".join(f"({condition})" for condition in drops))
    assert sorted(row.sensor_name for row in kept.collect()) == ["Motor_Current_A", "Vibration_MM_S"]


def test_current_status_keeps_the_newest_reading_per_machine_and_sensor(recorded):
    flow = next(flow for flow in recorded.cdc if flow["target"] == "equipment_current_status")
    assert flow["source"] == "equipment_status_changes"
    assert flow["keys"] == ["equipment_id", "sensor_name"]


def test_a_prediction_is_removed_when_its_score_falls_back(recorded):
    flow = next(flow for flow in recorded.cdc if flow["target"] == "ml_predictions")
    assert flow["keys"] == ["window_start", "equipment_id", "sensor_name"]
    assert str(flow["apply_as_deletes"]) == "Column<'has_recovered'>"
