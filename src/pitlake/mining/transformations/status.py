"""Current status: the readings from which change data capture keeps the newest per machine and sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCHEMA = """
    equipment_id STRING NOT NULL COMMENT 'Machine',
    sensor_name STRING NOT NULL COMMENT 'Tag',
    equipment_type STRING COMMENT 'Type of the machine',
    sensor_value DOUBLE COMMENT 'Latest value, where it is a number',
    sensor_text STRING COMMENT 'Latest value, where it is text',
    quality STRING COMMENT 'Good, Uncertain or Bad',
    unit STRING COMMENT 'Unit (UCUM) of sensor_value',
    sensor_type STRING COMMENT 'What is measured',
    manufacturer STRING COMMENT 'Who made the machine',
    site STRING COMMENT 'Site (ISA-95) of the machine',
    area STRING COMMENT 'Area (ISA-95) of the machine',
    location STRING COMMENT 'Place of the machine within its area',
    criticality STRING COMMENT 'Low, Medium, High or Critical',
    event_timestamp TIMESTAMP COMMENT 'When it was measured, by the stamp that it came with, UTC',
    effective_timestamp TIMESTAMP NOT NULL COMMENT 'The earlier of event and ingestion time, UTC: the age counts from it',
    ingestion_timestamp TIMESTAMP COMMENT 'When the broker appended the message, UTC',
    landing_id STRING NOT NULL COMMENT 'Where the message landed: decides between readings of the same time',
    batch_index INT NOT NULL COMMENT 'Position of the machine update in its message',
    CONSTRAINT equipment_current_status_key PRIMARY KEY (equipment_id, sensor_name)
"""

KEYS = ("equipment_id", "sensor_name")
SEQUENCE = ("effective_timestamp", "landing_id", "batch_index")

_COLUMNS = (
    *KEYS,
    "equipment_type",
    "sensor_value",
    "sensor_text",
    "quality",
    "unit",
    "sensor_type",
    "manufacturer",
    "site",
    "area",
    "location",
    "criticality",
    "event_timestamp",
    "effective_timestamp",
    "ingestion_timestamp",
    "landing_id",
    "batch_index",
)


def changes(readings: DataFrame) -> DataFrame:
    """The readings that say something of a machine's state: those with a value. `readings` are rows of silver."""
    has_value = F.col("sensor_value").isNotNull() | F.col("sensor_text").isNotNull()
    return readings.where(has_value).select(*_COLUMNS)
