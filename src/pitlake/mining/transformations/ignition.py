"""The row of the public Ignition → Zerobus connector, which is one tag, as the batch of one machine update that it stands for.

Its fields are event_id, event_time (microseconds since the epoch, or ISO 8601), tag_path, tag_provider, numeric_value,
string_value, boolean_value, quality, quality_code, source_system, ingestion_timestamp, data_type, alarm_state, alarm_priority.
The last two parts of a tag's path are the machine and the tag: `[default]Mine/Crushers/CR_002/Vibration_MM_S`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

ONE_TAG = (
    "event_id STRING, event_time STRING, source_system STRING, tag_path STRING, numeric_value STRING, string_value STRING, "
    "boolean_value STRING, quality STRING, quality_code STRING"
)
"""The fields of a row that find a column, as texts."""

_PATH = r"^(?:\[[^\]]*\])?(?:.*/)?([^/]+)/([^/]+)$"
_WITH_NULLS = {"ignoreNullFields": "false"}


def as_batch(row: Column) -> Column:
    """A batch as `ARRAY<STRING>`, from the fields of a row; the tag is an object with its value and its OPC quality."""
    value = F.coalesce(row["numeric_value"], row["string_value"], row["boolean_value"])
    quality = F.coalesce(row["quality_code"], row["quality"])
    tag = F.struct(value.alias("value"), quality.alias("quality"))
    update = F.struct(_part(row, 1).alias("equipment_id"), F.create_map(_part(row, 2), tag).alias("tags"))
    return F.array(F.to_json(update, _WITH_NULLS))


def placed_fields() -> dict[str, Column]:
    """In which column of bronze each field of a row goes, for those that have one."""
    into = {"event_id": "message_id", "event_time": "timestamp", "source_system": "source"}
    tag = ("tag_path", "numeric_value", "string_value", "boolean_value", "quality", "quality_code")
    return {name: F.col(column) for name, column in (into | dict.fromkeys(tag, "batch")).items()}


def _part(row: Column, group: int) -> Column:
    """The machine (1) or the tag (2) of the path; of a path of one part, the machine is NULL."""
    last = F.element_at(F.split(row["tag_path"], "[/\\]]"), -1) if group == 2 else F.lit(None)
    return F.coalesce(F.nullif(F.regexp_extract(row["tag_path"], _PATH, group), F.lit("")), last)
