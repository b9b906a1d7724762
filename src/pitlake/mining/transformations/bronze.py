"""Bronze: what the gateways sent, one row per machine update of a message. It accepts all, and loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from pitlake.mining.transformations.ignition import ONE_TAG, as_batch, placed_fields
from pitlake.mining.transformations.parsing import (
    FIELDS,
    instant,
    json_fields,
    json_struct,
    microseconds,
    unbroken,
    unplaced,
)

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SCHEMA = """
    landing_id STRING NOT NULL COMMENT 'Where the message landed: partition and offset; on Databricks a hash of the message',
    batch_index INT NOT NULL COMMENT 'Position of the machine update in its message, from 0',
    message_id STRING COMMENT 'Id that the gateway gave the message',
    timestamp TIMESTAMP COMMENT 'Event time of the message, UTC, as the gateway stamped it',
    source STRING COMMENT 'Gateway that sent the message',
    sequence BIGINT COMMENT 'Running number of the message at its gateway',
    equipment_id STRING COMMENT 'Machine; NULL when the message cannot be parsed or does not say',
    equipment_type STRING COMMENT 'Type of the machine, as the message says',
    tags MAP<STRING,STRING> COMMENT 'Tag names and values as text; of a repeated name the last value',
    raw STRING COMMENT 'The message verbatim, on its first row only; in base64 when it is not valid UTF-8',
    ingestion_timestamp TIMESTAMP NOT NULL COMMENT 'When the broker appended the message, UTC',
    _rescued_data STRING COMMENT 'JSON of what fits no column: fields of message and update, or why it is unparsable',
    CONSTRAINT ot_telemetry_bronze_key PRIMARY KEY (landing_id, batch_index)
"""

_COLUMNS = (
    "landing_id",
    "batch_index",
    "message_id",
    "timestamp",
    "source",
    "sequence",
    "equipment_id",
    "equipment_type",
    "tags",
    "raw",
    "ingestion_timestamp",
    "_rescued_data",
)
_MESSAGE = f"message_id STRING, timestamp STRING, source STRING, sequence STRING, batch ARRAY<STRING>, {ONE_TAG}"
_UPDATE = "equipment_id STRING, equipment_type STRING, tags MAP<STRING,STRING>"
_NOT_UTF8 = "not UTF-8; raw is base64"
_NOT_AN_OBJECT = "not a JSON object"


def machine_updates(landing: DataFrame) -> DataFrame:
    """The rows of bronze from the landing stream, in whichever of its two shapes it comes: Kafka records or typed rows."""
    return from_records(landing) if "value" in landing.columns else from_rows(landing)


def from_records(landing: DataFrame) -> DataFrame:
    """From Kafka records (`value BINARY`, `timestamp TIMESTAMP`, `landing_id STRING`), whatever their bytes are."""
    messages = _with_message_fields(_with_text(landing))
    return _with_update_fields(messages).select(*_COLUMNS)


def from_rows(landing: DataFrame) -> DataFrame:
    """From the typed landing table of a Zerobus target.

    Its columns are `message_id, timestamp, source, sequence` and
    `batch ARRAY<STRUCT<equipment_id: STRING, equipment_type: STRING, tags: MAP<STRING,STRING>>>`.
    Such a table keeps no append time, so the time at which the row is read stands for it.
    """
    raw = F.to_json(F.struct(*[F.col(f"`{name}`") for name in landing.columns]))
    messages = landing.withColumns({"message": raw, "landing_id": F.sha2(raw, 256), "ingestion_timestamp": F.current_timestamp()})
    updates = messages.select("*", F.posexplode_outer("batch").alias("position", "update"))
    return updates.withColumns(
        {
            "batch_index": F.coalesce("position", F.lit(0)),
            "equipment_id": F.col("update.equipment_id"),
            "equipment_type": F.col("update.equipment_type"),
            "tags": F.col("update.tags"),
            "raw": _on_first_row(F.col("message")),
            "_rescued_data": F.lit(None).cast("STRING"),
        }
    ).select(*_COLUMNS)


def named_once(tags: Column) -> Column:
    """The map with each name once: a JSON object may repeat a name, and the last value counts.

    That it is the last is the session's setting, `spark.sql.mapKeyDedupPolicy`.
    """
    return F.map_from_entries(F.map_entries(tags))


def _with_text(landing: DataFrame) -> DataFrame:
    text = F.col("value").cast("STRING")
    is_text = F.is_valid_utf8(text)
    return landing.select(
        "landing_id",
        F.col("timestamp").alias("ingestion_timestamp"),
        F.when(is_text, text).otherwise(F.base64("value")).alias("verbatim"),
        is_text.alias("is_text"),
        F.when(is_text, text).alias("text"),
    )


def _with_message_fields(messages: DataFrame) -> DataFrame:
    # Typed for what flows read, as it is parsed once; all fields for what is rescued, which bronze alone does.
    text, message = F.col("text"), F.col("message")
    read = messages.withColumns({"message": json_struct(text, _MESSAGE), "fields": json_fields(text)})
    opened = read.withColumn("message", unbroken(message, text))
    stamp = F.coalesce(message["timestamp"], message["event_time"])
    is_one_tag = message["tag_path"].isNotNull() & message["batch"].isNull()
    typed = opened.withColumns(
        {
            "message_id": F.coalesce(message["message_id"], message["event_id"]),
            "timestamp": F.coalesce(instant(stamp), microseconds(stamp)),
            "source": F.coalesce(message["source"], message["source_system"]),
            "sequence": message["sequence"].try_cast("BIGINT"),
            "batch": F.when(is_one_tag, as_batch(message)).otherwise(message["batch"]),
        }
    )
    known = {name: F.col(name) for name in ("message_id", "timestamp", "source", "sequence", "batch")}
    rest = F.when(is_one_tag, unplaced(F.col("fields"), placed_fields())).otherwise(unplaced(F.col("fields"), known))
    return typed.withColumns({"message_rest": rest, "error": _error()})


def _error() -> Column:
    return F.when(~F.col("is_text"), _NOT_UTF8).when(F.col("fields").isNull(), _NOT_AN_OBJECT)


def _with_update_fields(messages: DataFrame) -> DataFrame:
    updates = messages.select("*", F.posexplode_outer("batch").alias("position", "update_text"))
    text, update = F.col("update_text"), F.col("update")
    read = updates.withColumns({"update": json_struct(text, _UPDATE), "update_fields": json_fields(text)})
    opened = read.withColumn("update", unbroken(update, text))
    typed = opened.withColumns(
        {
            "batch_index": F.coalesce("position", F.lit(0)),
            "equipment_id": update["equipment_id"],
            "equipment_type": update["equipment_type"],
            "tags": named_once(update["tags"]),
            "raw": _on_first_row(F.col("verbatim")),
        }
    )
    return typed.withColumn("_rescued_data", _rescued())


def _rescued() -> Column:
    known = {name: F.col(name) for name in ("equipment_id", "equipment_type", "tags")}
    fields, text = F.col("update_fields"), F.col("update_text")
    not_an_object = F.when(fields.isNull() & text.isNotNull(), F.create_map(F.lit("batch"), text))
    found = F.struct(
        _on_first_row(F.col("error")).alias("error"),
        _on_first_row(F.col("message_rest")).alias("message"),
        F.coalesce(unplaced(fields, known), not_an_object).cast(FIELDS).alias("update"),
    )
    return F.nullif(F.to_json(found), F.lit("{}"))


def _on_first_row(column: Column) -> Column:
    return F.when(F.coalesce("position", F.lit(0)) == 0, column)
