"""Silver: one row per tag, typed, timed, with what is known of its machine, its sensor and its shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from pitlake.mining.site import TIME_ZONE
from pitlake.mining.transformations.parsing import (
    finite_number,
    instant,
    is_not_finite,
    json_fields,
    seconds_between,
    unplaced,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SCHEMA = """
    event_timestamp TIMESTAMP NOT NULL COMMENT 'When it was measured, by the stamp of the tag, else of the message, UTC',
    effective_timestamp TIMESTAMP NOT NULL COMMENT 'The earlier of event and ingestion time, UTC: what windows and order go by',
    clock_skew_seconds DOUBLE COMMENT 'Seconds by which the event time lies after the ingestion time; 0 when it does not',
    equipment_id STRING NOT NULL COMMENT 'Machine',
    equipment_type STRING COMMENT 'Type of the machine: as the message says, else as equipment_master has it',
    sensor_name STRING NOT NULL COMMENT 'Tag',
    sensor_value DOUBLE COMMENT 'The value, where it is a finite number; NULL for text',
    sensor_text STRING COMMENT 'The value, where it is text; NULL for a number',
    quality STRING NOT NULL COMMENT 'Good, Uncertain or Bad, from the OPC quality; Good where the gateway sends none',
    unit STRING COMMENT 'Unit (UCUM) of sensor_value; NULL for text and for a sensor that is not defined',
    sensor_type STRING COMMENT 'What is measured; NULL for a sensor that is not defined',
    manufacturer STRING COMMENT 'Who made the machine; NULL for an unknown machine, as all its attributes',
    model STRING COMMENT 'Model of the machine',
    site STRING COMMENT 'Site (ISA-95) of the machine',
    area STRING COMMENT 'Area (ISA-95) of the machine',
    location STRING COMMENT 'Place of the machine within its area',
    criticality STRING COMMENT 'Low, Medium, High or Critical',
    shift_id STRING COMMENT 'Shift in which the reading was taken, by local time',
    shift_name STRING COMMENT 'DAY, AFTERNOON or NIGHT',
    shift_date DATE COMMENT 'Local date on which that shift began: a night shift belongs to the evening before',
    source_system STRING COMMENT 'Gateway that sent the message',
    message_id STRING COMMENT 'Id that the gateway gave the message',
    landing_id STRING NOT NULL COMMENT 'Where the message landed',
    batch_index INT NOT NULL COMMENT 'Position of the machine update in its message, from 0',
    ingestion_timestamp TIMESTAMP NOT NULL COMMENT 'When the broker appended the message, UTC',
    latency_seconds DOUBLE COMMENT 'Seconds from event to ingestion; 0 when the event time lies after the ingestion time',
    _rescued_data STRING COMMENT 'JSON of the tag as sent, where its value, time, quality or a further field fits no column',
    CONSTRAINT ot_sensors_normalized_key PRIMARY KEY (landing_id, batch_index, sensor_name)
"""

MACHINE_ATTRIBUTES = ("manufacturer", "model", "site", "area", "location", "criticality")
SHIFT_ATTRIBUTES = ("shift_id", "shift_name", "shift_date")

_COLUMNS = (
    "event_timestamp",
    "effective_timestamp",
    "clock_skew_seconds",
    "equipment_id",
    "equipment_type",
    "sensor_name",
    "sensor_value",
    "sensor_text",
    "quality",
    "unit",
    "sensor_type",
    *MACHINE_ATTRIBUTES,
    *SHIFT_ATTRIBUTES,
    "source_system",
    "message_id",
    "landing_id",
    "batch_index",
    "ingestion_timestamp",
    "latency_seconds",
    "_rescued_data",
)
_MINUTES_PER_DAY = 24 * 60


def readings(
    updates: DataFrame, *, equipment: DataFrame, sensors: DataFrame, shifts: DataFrame, time_zone: str = TIME_ZONE
) -> DataFrame:
    """The rows of silver from those of bronze and the three dimension tables; `time_zone` is that of the shifts' times."""
    return with_shift(typed_readings(updates, equipment=equipment, sensors=sensors), shifts, time_zone).select(*_COLUMNS)


def typed_readings(updates: DataFrame, *, equipment: DataFrame, sensors: DataFrame) -> DataFrame:
    """The same without the shift, which the windows of gold do not use."""
    tags = with_times(opened_tags(tag_rows(updates)))
    typed = with_values(with_sensor(with_machine(tags, equipment), sensors))
    return typed.select(*[name for name in _COLUMNS if name not in SHIFT_ATTRIBUTES])


def tag_rows(updates: DataFrame) -> DataFrame:
    """One row per tag with its `value` as text, as bronze has them; an update without tags is one row without a name."""
    return updates.select("*", F.explode_outer("tags").alias("tag_name", "value")).select(
        "landing_id",
        "batch_index",
        "message_id",
        F.col("source").alias("source_system"),
        F.col("timestamp").alias("message_timestamp"),
        "ingestion_timestamp",
        "equipment_id",
        F.col("equipment_type").alias("stated_type"),
        F.coalesce("tag_name", F.lit("")).alias("sensor_name"),
        "value",
    )


def opened_tags(tags: DataFrame) -> DataFrame:
    """Open the tags that are objects `{"value": …, "quality": …, "timestamp": …}`; a bare value is its own `value_text`."""
    opened = tags.withColumn("parts", F.when(F.col("value").startswith("{"), json_fields(F.col("value"))))
    is_object = F.coalesce(F.map_contains_key("parts", "value"), F.lit(col=False))
    parts = F.when(is_object, F.col("parts"))
    return opened.withColumns(
        {
            "parts": parts,
            "value_text": F.when(is_object, parts["value"]).otherwise(F.col("value")),
            "tag_timestamp": instant(parts["timestamp"]),
            "stated_quality": quality(parts["quality"]),
        }
    )


def quality(code: Column) -> Column:
    """Good, Uncertain or Bad from an OPC quality given as a name or a number; NULL for what is neither.

    0 to 255 are OPC DA codes, which keep the quality in two bits; from 2³⁰ OPC UA status codes, which keep the severity in the
    highest two; between them Ignition's own codes.
    """
    number = code.try_cast("BIGINT")
    name = F.lower(code)
    return (
        F.when(number.between(192, 255) | name.startswith("good"), "Good")
        .when(number.between(64, 127) | number.between(256, 511) | name.startswith("uncertain"), "Uncertain")
        .when(number.between(2**30, 2**31 - 1), "Uncertain")
        .when((number >= 0) | name.startswith("bad"), "Bad")
    )


def with_times(tags: DataFrame) -> DataFrame:
    """Event time, effective time, and how far event and ingestion lie apart, in seconds."""
    timed = tags.withColumn("event_timestamp", F.coalesce("tag_timestamp", "message_timestamp"))
    effective = F.least("event_timestamp", "ingestion_timestamp")
    return timed.withColumns(
        {
            "effective_timestamp": effective,
            "clock_skew_seconds": seconds_between(effective, F.col("event_timestamp")),
            "latency_seconds": F.when(
                F.col("event_timestamp").isNotNull(), seconds_between(effective, F.col("ingestion_timestamp"))
            ),
        }
    )


def with_machine(tags: DataFrame, equipment: DataFrame) -> DataFrame:
    """The machine's attributes; a row of a machine that `equipment` does not know stays, without them."""
    machines = equipment.select("equipment_id", F.col("equipment_type").alias("master_type"), *MACHINE_ATTRIBUTES)
    joined = tags.join(F.broadcast(machines), on="equipment_id", how="left")
    return joined.withColumn("equipment_type", F.coalesce("stated_type", "master_type"))


def with_sensor(tags: DataFrame, sensors: DataFrame) -> DataFrame:
    """Unit and type of the sensor, by the machine's type and the tag's name."""
    definitions = sensors.select("equipment_type", "sensor_name", "unit", "sensor_type")
    return tags.join(F.broadcast(definitions), on=["equipment_type", "sensor_name"], how="left")


def with_shift(tags: DataFrame, shifts: DataFrame, time_zone: str) -> DataFrame:
    """The shift at the effective time and the local date on which it began."""
    local = F.convert_timezone(None, F.lit(time_zone), F.col("effective_timestamp"))
    timed = tags.withColumns({"local_date": F.to_date(local), "minute_of_day": F.hour(local) * 60 + F.minute(local)})
    joined = timed.join(F.broadcast(shift_minutes(shifts)), on="minute_of_day", how="left")
    return joined.withColumn("shift_date", F.date_sub("local_date", "days_since_begin"))


def shift_minutes(shifts: DataFrame) -> DataFrame:
    """One row per shift and minute of the day: a join on the minute is an equi-join, which real-time mode asks for.

    `days_since_begin` is 1 for the minutes that a shift has after midnight, else 0.
    """
    start, end = _minute_of_day("start_time"), _minute_of_day("end_time")
    length = F.pmod(end - start - 1, F.lit(_MINUTES_PER_DAY)) + 1
    return shifts.select("shift_id", "shift_name", F.explode(F.sequence(start, start + length - 1)).alias("minute")).select(
        "shift_id",
        "shift_name",
        (F.col("minute") % _MINUTES_PER_DAY).alias("minute_of_day"),
        F.floor(F.col("minute") / _MINUTES_PER_DAY).cast("INT").alias("days_since_begin"),
    )


def _minute_of_day(clock: str) -> Column:
    return F.substring(clock, 1, 2).cast("INT") * 60 + F.substring(clock, 4, 2).cast("INT")


def with_values(tags: DataFrame) -> DataFrame:
    """The value as a number or as text, as the sensor's definition has it or, without one, as it looks; else rescued."""
    text = F.col("value_text")
    is_text_sensor = F.col("sensor_type").isNotNull() & F.col("unit").isNull()
    is_defined = F.col("sensor_type").isNotNull()
    number = finite_number(text)
    looks_like_text = number.isNull() & ~is_not_finite(text)
    typed = tags.withColumns(
        {
            "sensor_value": F.when(~is_text_sensor, number),
            "sensor_text": F.when(is_text_sensor | (~is_defined & looks_like_text), text),
            "quality": F.coalesce("stated_quality", F.when(F.col("parts")["quality"].isNotNull(), "Uncertain"), F.lit("Good")),
        }
    )
    return typed.withColumn("_rescued_data", F.when(_is_misfit(), F.to_json(F.create_map("sensor_name", "value"))))


def _is_misfit() -> Column:
    """Whether some part of the tag as it was sent found no column."""
    placed = {
        "value": F.coalesce(F.col("sensor_text"), F.col("sensor_value").cast("STRING")),
        "quality": F.col("stated_quality"),
        "timestamp": F.col("tag_timestamp"),
    }
    is_object = F.col("parts").isNotNull()
    bare_misfit = F.col("value").isNotNull() & placed["value"].isNull()
    return F.when(is_object, unplaced(F.col("parts"), placed).isNotNull()).otherwise(bare_misfit)
