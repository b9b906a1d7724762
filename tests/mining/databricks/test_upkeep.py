from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from pitlake.mining.databricks.definitions import refusing_conditions, stored_tables
from pitlake.mining.databricks.upkeep import upkeep
from pitlake.pipelines.definitions import Dataset, DatasetKind

PLACE = "c.s"


def test_every_stored_table_every_quarantine_and_the_landing_table_are_kept(pipeline):
    tables = {name for name, dataset in stored_tables(pipeline).items() if dataset.kind is not DatasetKind.MATERIALIZED_VIEW}
    quarantines = {f"{name}_quarantine" for name in tables if refusing_conditions(pipeline.datasets[name])}
    assert set(upkeep(pipeline, PLACE)) == {"mining_ot_stream", *tables, *quarantines}


def test_a_table_is_expired_compacted_and_vacuumed(pipeline):
    assert upkeep(pipeline, PLACE)["ot_sensors_normalized"] == (
        "DELETE FROM c.s.ot_sensors_normalized WHERE ingestion_timestamp < current_timestamp() - INTERVAL '90 days'",
        "OPTIMIZE c.s.ot_sensors_normalized",
        "VACUUM c.s.ot_sensors_normalized",
    )


def test_a_quarantine_is_kept_as_long_as_its_table(pipeline):
    expire = upkeep(pipeline, PLACE)["ot_sensors_normalized_quarantine"][0]
    assert expire.endswith("WHERE quarantined_at < current_timestamp() - INTERVAL '90 days'")


def test_a_table_without_a_retention_is_never_deleted_from(pipeline):
    assert not any("DELETE" in statement for statement in upkeep(pipeline, PLACE)["equipment_current_status"])


def test_materialized_views_are_left_to_the_platform(pipeline):
    view = Dataset("a_view", DatasetKind.MATERIALIZED_VIEW, pipeline.datasets["ot_telemetry_bronze"].location)
    changed = replace(pipeline, datasets={**pipeline.datasets, "a_view": view})
    assert "a_view" not in upkeep(changed, PLACE)


def test_every_statement_is_databricks_sql(pipeline):
    for statements in upkeep(pipeline, PLACE).values():
        for statement in statements:
            [tree] = sqlglot.parse(statement, read="databricks")
            assert isinstance(tree, exp.Delete | exp.Command), statement


@pytest.mark.parametrize("age", [timedelta(days=29), timedelta(days=31)], ids=str)
def test_what_is_older_than_the_retention_goes(pipeline, age):
    expire = upkeep(pipeline, PLACE)["ot_telemetry_bronze"][0].replace("c.s.", "")
    database = duckdb.connect()
    database.execute("CREATE TABLE ot_telemetry_bronze (ingestion_timestamp TIMESTAMPTZ)")
    database.execute("INSERT INTO ot_telemetry_bronze VALUES (?)", [datetime.now(UTC) - age])
    database.execute(sqlglot.transpile(expire, read="databricks", write="duckdb")[0])
    assert database.sql("SELECT count(*) FROM ot_telemetry_bronze").fetchall() == [(int(age < timedelta(days=30)),)]
