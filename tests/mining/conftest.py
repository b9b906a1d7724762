"""The transformations, ready to be asked what becomes of a message."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from pitlake.mining import dimensions
from pitlake.mining.transformations import bronze, silver

APPENDED_AT = datetime(2026, 2, 15, 4, 12, 9, 250_000, tzinfo=UTC)
LANDING = pa.schema([("landing_id", pa.string()), ("value", pa.binary()), ("timestamp", pa.timestamp("us", tz="UTC"))])


@pytest.fixture
def landing(spark: SparkSession) -> Callable[..., DataFrame]:
    """Messages (bytes, or what becomes JSON) as the landing stream has them, appended at 04:12:09.250 UTC or at `at`."""

    def build(*messages: bytes | dict[str, Any], at: datetime = APPENDED_AT) -> DataFrame:
        values = [message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages]
        records = [{"landing_id": f"00000-{n:019d}", "value": value, "timestamp": at} for n, value in enumerate(values)]
        return spark.createDataFrame(pa.Table.from_pylist(records, schema=LANDING))

    return build


def collected(frame: DataFrame) -> list[SimpleNamespace]:
    """The rows, with timestamps in UTC whatever the time zone of this machine, and maps as dictionaries in the map's order."""
    return [
        SimpleNamespace(**{name: dict(value) if name == "tags" and value is not None else value for name, value in row.items()})
        for row in frame.toArrow().to_pylist()
    ]


@pytest.fixture(name="collected")
def collected_fixture() -> Callable[[DataFrame], list[SimpleNamespace]]:
    return collected


@pytest.fixture
def bronze_rows(landing: Callable[..., DataFrame]) -> Callable[..., list[SimpleNamespace]]:
    """What bronze makes of messages."""
    return lambda *messages: collected(bronze.machine_updates(landing(*messages)))


@pytest.fixture(scope="session")
def equipment(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(dimensions.equipment_master())


@pytest.fixture(scope="session")
def sensors(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(dimensions.sensor_definitions())


@pytest.fixture(scope="session")
def shifts(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(dimensions.shift_schedule())


@pytest.fixture
def silver_rows(
    landing: Callable[..., DataFrame], equipment: DataFrame, sensors: DataFrame, shifts: DataFrame
) -> Callable[..., list[SimpleNamespace]]:
    """What silver makes of messages, appended at 04:12:09.250 UTC or at `at`; by landing and tag."""

    def rows(*messages: bytes | dict[str, Any], at: datetime = APPENDED_AT) -> list[SimpleNamespace]:
        updates = bronze.machine_updates(landing(*messages, at=at))
        found = collected(silver.readings(updates, equipment=equipment, sensors=sensors, shifts=shifts))
        return sorted(found, key=lambda row: (row.landing_id, row.batch_index, row.sensor_name))

    return rows


@pytest.fixture
def silver_frame(
    landing: Callable[..., DataFrame], equipment: DataFrame, sensors: DataFrame, shifts: DataFrame
) -> Callable[..., DataFrame]:
    """What silver makes of messages, not yet collected."""
    return lambda *messages: silver.readings(
        bronze.machine_updates(landing(*messages)), equipment=equipment, sensors=sensors, shifts=shifts
    )


@pytest.fixture
def columns_of() -> Callable[[str], list[tuple[str, str]]]:
    """Names and types of the columns that a DDL schema declares."""

    def names_and_types(schema: str) -> list[tuple[str, str]]:
        columns = schema[: schema.index("CONSTRAINT")].rstrip().removesuffix(",")
        return [(field.name, field.dataType.simpleString()) for field in StructType.fromDDL(columns)]

    return names_and_types
