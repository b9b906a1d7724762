"""What keeps the tables on Databricks small and quick to read, as SQL statements: pitlake's writer does it by itself.

`OPTIMIZE` clusters by what the table declares, and `VACUUM` keeps seven days. Materialized views are the platform's own to keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pitlake.mining.databricks import landing
from pitlake.mining.databricks.definitions import refusing_conditions, stored_tables
from pitlake.pipelines.definitions import DatasetKind

if TYPE_CHECKING:
    from pitlake.pipelines.definitions import Dataset, Pipeline

_RETENTION, _RETENTION_COLUMN = "pitlake.retention", "pitlake.retentionColumn"
_BRONZE = "ot_telemetry_bronze"


def upkeep(pipeline: Pipeline, place: str) -> dict[str, tuple[str, ...]]:
    """The statements per table of `place`, `catalog.schema`.

    A quarantine is kept as long as the table that it belongs to, the landing table as long as bronze, which repeats it.
    """
    tables = stored_tables(pipeline)
    found = {landing.LANDING: _statements(landing.LANDING, place, tables[_BRONZE], landing.EVENT_TIME)}
    for name, dataset in tables.items():
        if dataset.kind is DatasetKind.MATERIALIZED_VIEW:
            continue
        found[name] = _statements(name, place, dataset, dataset.table_properties.get(_RETENTION_COLUMN))
        if refusing_conditions(dataset):
            found[f"{name}_quarantine"] = _statements(f"{name}_quarantine", place, dataset, "quarantined_at")
    return found


def _statements(name: str, place: str, dataset: Dataset, column: str | None) -> tuple[str, ...]:
    table, retention = f"{place}.{name}", dataset.table_properties.get(_RETENTION)
    expire = f"DELETE FROM {table} WHERE {column} < current_timestamp() - INTERVAL '{retention}'"  # noqa: S608  (of the pipeline file)
    return (*((expire,) if retention else ()), f"OPTIMIZE {table}", f"VACUUM {table}")
