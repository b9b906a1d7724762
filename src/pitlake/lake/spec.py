"""What the engine tells the writer about a table: the one contract between the two processes.

The engine publishes a `TableSpec` per table on the compacted topic `SPECS_TOPIC`, keyed by the table's name; the writer follows
that topic, creates the Delta table and starts to consume the table's own topic.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from pitlake.lake.names import TableName

SPECS_TOPIC = "pitlake.tables"

QUARANTINE_SUFFIX = "_quarantine"
"""What the table of the rows that a table's expectations dropped is called, after that table's name."""


class WriteMode(StrEnum):
    """The ways into a table: three for streams, and one for materialized views."""

    APPEND = "append"
    UPSERT = "upsert"
    CDC = "cdc"
    REFRESH = "refresh"


class Column(BaseModel):
    """A declared column; `type` is Spark SQL's spelling, such as `MAP<STRING,STRING>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: str
    nullable: bool = True
    comment: str | None = None


class TableSpec(BaseModel):
    """How one table's topic becomes one Delta table.

    `name` is `catalog.schema.table`. Which fields matter depends on `mode`:

    - append: `keys` begin with `landing_id`; a query sends the landing records of a lane (the record's key) in ascending order,
      and the writer drops rows that it has stored before. Without `keys` every row is stored, as often as it arrives.
    - upsert: a row replaces the stored row of the same `keys` unless its `count` is lower.
    - cdc: a row replaces (or, with the header `op=delete`, removes) the stored row of the same `keys` unless its `sequence` is
      lower.
    - refresh: the rows of one refresh replace all rows in one commit, once all of them and the marker that ends the refresh have
      arrived. A refresh that was never ended, or that lacks rows, changes nothing. The topic has one partition. `keys` only say
      what tells rows apart.

    `processed_at` columns are filled with the record's own timestamp. `event_time` and `ingestion_time` name the columns from
    which stage latencies are measured. `window` names the window start of an upsert table, one of its keys: by it files are laid
    out, open windows apart from closed ones.
    `retention_days` counts from the `retention_column`. `location` is where a table lies that is not in the lake, under its name.
    `properties` are Delta's, such as `delta.autoOptimize.autoCompact`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    topic: str
    mode: WriteMode
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    count: str | None = None
    sequence: tuple[str, ...] = ()
    window: str | None = None
    processed_at: tuple[str, ...] = ()
    event_time: str | None = None
    ingestion_time: str | None = None
    expectations: tuple[str, ...] = ()
    comment: str | None = None
    partition_by: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    retention_days: int | None = None
    retention_column: str | None = None
    commit_interval_ms: int = 250
    location: str | None = None
    properties: dict[str, str] = {}

    def path(self, lake: str) -> str:
        """Where the table lies, if `lake` is where all do that say nothing else. Raises LakeError for a name that is none."""
        return self.location or TableName.parse(self.name).path(lake)
