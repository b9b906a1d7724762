"""The queries of the files that only Databricks runs, over a batch of messages in place of a stream."""

from __future__ import annotations

import json
import runpy
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pyspark
import pytest

from pitlake.mining import dimensions
from pitlake.mining.databricks.definitions import PIPELINE_FILE
from pitlake.mining.databricks.resources import refusal_settings
from pitlake.mining.transformations import bronze
from tests.mining.databricks.lakeflow import Lakeflow

AT = datetime(2026, 2, 15, 4, 12, 9, 250_000, tzinfo=UTC)
RECORDS = pa.schema(
    [("value", pa.binary()), ("partition", pa.int32()), ("offset", pa.int64()), ("timestamp", pa.timestamp("us", tz="UTC"))]
)


def message(machine: str | None, tags: dict[str, object]) -> dict[str, object]:
    return {"timestamp": "2026-02-15T04:12:09Z", "batch": [{"equipment_id": machine, "tags": tags}]}


MESSAGES = (message("CR_002", {"Vibration_MM_S": 20.5, "Status": "RUNNING"}), message(None, {"Vibration_MM_S": 99}))


class GivenSpark:
    """`spark` as Databricks gives it: the settings of the pipeline, the site's dimensions, and what a stream would bring."""

    def __init__(self, spark, settings) -> None:
        self._spark = spark
        self.conf = SimpleNamespace(get=lambda name, default=None: settings.get(name, default))
        self.read = SimpleNamespace(table=lambda name: spark.createDataFrame(getattr(dimensions, name)()))
        self.readStream = self
        self.asked: dict[str, str] = {}

    def format(self, name):
        assert name == "kafka"
        return self

    def option(self, name, value):
        return self.options(**{name: value})

    def options(self, **options):
        self.asked.update(options)
        return self

    def load(self):
        records = [
            {"value": json.dumps(message).encode(), "partition": 1, "offset": offset, "timestamp": AT}
            for offset, message in enumerate(MESSAGES)
        ]
        return self._spark.createDataFrame(pa.Table.from_pylist(records, schema=RECORDS))

    def table(self, name):
        assert name == "ot_telemetry_bronze"
        landed = self.load().selectExpr("value", "timestamp", "format_string('%05d-%019d', partition, offset) AS landing_id")
        return bronze.machine_updates(landed)


@pytest.fixture
def execute(spark, monkeypatch, pipeline):
    """The functions that a file registers, by the names of their targets, and the `spark` that it was given."""

    def run(file, **settings):
        lakeflow = Lakeflow()
        module = lakeflow.module()
        monkeypatch.setitem(sys.modules, "pyspark.pipelines", module)
        monkeypatch.setattr(pyspark, "pipelines", module)
        given = GivenSpark(spark, refusal_settings(pipeline) | settings)
        runpy.run_path(str(PIPELINE_FILE.parent / "databricks" / file), init_globals={"spark": given})
        calls = [call for call in lakeflow.calls if call.function]
        return {call.arguments.get("target") or call.arguments["name"]: call.function for call in calls}, given

    return run


@pytest.fixture
def flows(execute):
    return execute("realtime.py", **{"mining.kafka.bootstrap_servers": "kafka.test:9092"})


def records(frame):
    return [(json.loads(row.key), json.loads(row.value)) for row in frame.collect()]


def test_readings_leave_with_their_columns_and_without_those_that_are_refused(flows):
    functions, given = flows
    found = records(functions["ot_sensors_normalized_topic"]())
    assert given.asked == {
        "kafka.bootstrap.servers": "kafka.test:9092",
        "subscribe": "mining_ot_stream",
        "startingOffsets": "earliest",
    }
    assert sorted(key["sensor_name"] for key, _ in found) == ["Status", "Vibration_MM_S"]
    [vibration] = [value for key, value in found if key == {"equipment_id": "CR_002", "sensor_name": "Vibration_MM_S"}]
    assert (vibration["sensor_value"], vibration["landing_id"]) == (20.5, "00001-0000000000000000000")
    assert vibration["event_timestamp"] == "2026-02-15T04:12:09.000Z"
    assert vibration["_rescued_data"] is None


def test_minutes_leave_by_window_and_sensor(flows):
    functions, _ = flows
    [(key, value)] = records(functions["equipment_performance_1min_topic"]())
    assert key == {"window_start": "2026-02-15T04:12:00.000Z", "equipment_id": "CR_002", "sensor_name": "Vibration_MM_S"}
    assert (value["avg_value"], value["reading_count"], value["location"]) == (20.5, 1, "Primary crusher 2")


def test_status_leaves_by_machine_and_sensor(flows):
    functions, _ = flows
    found = {key["sensor_name"]: value for key, value in records(functions["equipment_current_status_topic"]())}
    assert found["Status"]["sensor_text"] == "RUNNING"


def test_the_quarantine_has_the_readings_that_silver_refuses(execute):
    functions, given = execute("quarantine.py")
    [row] = functions["ot_sensors_normalized_quarantine"]().collect()
    assert (row.sensor_value, row.equipment_id, row.failed_expectations) == (99.0, None, ["valid_equipment"])
    assert row.quarantined_at
    assert given.asked == {"skipChangeCommits": "true"}
