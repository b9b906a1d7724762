"""A lake with the tables of the pipeline file as they are declared, and a healthy mine in them, as seen at `NOW`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from pitlake.lake.names import TableName
from pitlake.lake.schemas import arrow_type
from pitlake.mining.databricks.definitions import stored_tables
from pitlake.mining.dimensions import DIMENSIONS
from pitlake.mining.site import MACHINES, SENSORS
from pitlake.mining.transformations import predictions
from pitlake.pipelines.definitions import Dataset, DatasetKind, Location, Pipeline
from pitlake.pipelines.schemas import parse_schema

CATALOG, SCHEMA = "field_engineering", "mining_demo"
NOW = datetime(2026, 2, 13, 4, 12, 9, tzinfo=UTC)
"""A Friday noon at the site."""

_INSTANT = pa.timestamp("us", "UTC")
_FILLED = {pa.string(): "x", pa.int32(): 0, pa.int64(): 1, pa.float64(): 1.0, _INSTANT: NOW, pa.date32(): date(2026, 2, 13)}

Row = dict[str, Any]


def with_predictions(pipeline: Pipeline) -> Pipeline:
    """The pipeline, in which ml_predictions is registered."""
    table = Dataset(
        "ml_predictions",
        DatasetKind.STREAMING_TABLE,
        Location(__file__, 1),
        comment="Minutes in which a sensor departs from its baseline, with what to do",
        schema=predictions.SCHEMA,
        table_properties={"quality": "gold"},
    )
    return Pipeline({"ml_predictions": table, **pipeline.datasets}, pipeline.flows)


def build(lake: str, pipeline: Pipeline) -> None:
    """Write every table of the pipeline, the dimensions and the event log."""
    for name, dataset in stored_tables(pipeline).items():
        _write(lake, name, _rows(name), _declared(dataset))
    for dimension in DIMENSIONS:
        _write(lake, dimension.name, dimension.rows().to_pylist(), dimension.rows().schema)
    _write(
        lake,
        "event_log",
        _events(),
        pa.schema([(name, pa.string()) for name in ("event_type", "level", "message")]).append(pa.field("timestamp", _INSTANT)),
    )


def _write(lake: str, name: str, rows: list[Row], schema: pa.Schema) -> None:
    filled = [{field.name: row.get(field.name, _default(field)) for field in schema} for row in rows]
    write_deltalake(TableName(CATALOG, SCHEMA, name).path(lake), pa.Table.from_pylist(filled, schema=schema))


def _declared(dataset: Dataset) -> pa.Schema:
    columns = parse_schema(dataset.schema or "", location=dataset.location).columns
    return pa.schema([pa.field(column.name, arrow_type(column.type), nullable=column.nullable) for column in columns])


def _default(field: pa.Field) -> Any:
    return None if field.nullable else _FILLED[field.type]


def _ago(**amount: float) -> datetime:
    return NOW - timedelta(**amount)


def _readings() -> list[Row]:
    """Two readings of every sensor of every machine: a minute old, but for SL_001, which has been silent."""
    return [
        {
            "equipment_id": machine.equipment_id,
            "equipment_type": machine.equipment_type.value,
            "sensor_name": sensor.name,
            "sensor_value": 10.0 if sensor.is_numeric else None,
            "sensor_text": None if sensor.is_numeric else "RUNNING",
            "unit": sensor.unit,
            "quality": "Good",
            "event_timestamp": _ago(minutes=1),
            "effective_timestamp": _ago(minutes=20 if machine.equipment_id == "SL_001" else 1),
            "ingestion_timestamp": _ago(minutes=1),
        }
        for machine in MACHINES
        for sensor in SENSORS[machine.equipment_type]
    ]


def _windows(**length: float) -> list[Row]:
    """The latest closed windows of every sensor that shows numbers; all read 50, which some sensors should not."""
    start = NOW.replace(minute=0, second=0) - timedelta(**length)
    return [
        {
            **reading,
            "window_start": start,
            "window_end": start + timedelta(**length),
            "avg_value": 50.0,
            "max_value": 55.0,
            "reading_count": 60,
        }
        for reading in _readings()
        if reading["sensor_value"] is not None
    ]


def _predictions() -> list[Row]:
    return [
        {"equipment_id": "CR_002", "sensor_name": "Vibration_MM_S", "window_start": _ago(minutes=age), "deviation_score": score}
        for age, score in ((3, 4.5), (2, 5.5), (600, 9.0))
    ]


def _events() -> list[Row]:
    return [{"timestamp": _ago(minutes=1), "event_type": "flow_progress", "level": "INFO", "message": "running"}]


def _rows(table: str) -> list[Row]:
    return {
        "ot_telemetry_bronze": [{"equipment_id": m.equipment_id, "ingestion_timestamp": _ago(minutes=1)} for m in MACHINES],
        "ot_sensors_normalized": _readings(),
        "equipment_current_status": _readings(),
        "equipment_performance_1min": _windows(minutes=1),
        "equipment_performance_1hour": _windows(hours=1),
        "ml_predictions": _predictions(),
        "pipeline_quality_metrics": [{"minute": _ago(minutes=1), "max_latency_sec": 6.0, "avg_latency_sec": 5.0}],
    }.get(table, [])
