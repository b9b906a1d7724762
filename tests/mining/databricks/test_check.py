"""The check job's task, over a local lake in place of a workspace."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from deltalake import DeltaTable

from pitlake.lake.names import TableName
from pitlake.lake.sql import query
from pitlake.mining.databricks import check
from pitlake.mining.validation import VALIDATION_QUERIES
from tests.mining.databricks.lake import CATALOG, NOW, SCHEMA, build


class LakeSpark:
    """`spark.sql`, answered by a lake."""

    def __init__(self, lake: str) -> None:
        self._lake = lake

    def sql(self, statement: str):
        rows = query(self._lake, statement, catalog="", schema="", now=NOW).to_pylist()
        return SimpleNamespace(collect=lambda: [SimpleNamespace(asDict=lambda row=row: row) for row in rows])


@pytest.fixture
def lake(tmp_path, pipeline, monkeypatch):
    build(str(tmp_path), pipeline)
    builder = SimpleNamespace(getOrCreate=lambda: LakeSpark(str(tmp_path)))
    monkeypatch.setattr(check, "SparkSession", SimpleNamespace(builder=builder))
    return str(tmp_path)


def test_a_healthy_mine_passes(lake, capsys):
    check.main(CATALOG, SCHEMA)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ok"] * len(VALIDATION_QUERIES)


def test_one_query_that_fails_fails_the_task_and_says_why(lake):
    bronze = DeltaTable(TableName(CATALOG, SCHEMA, "ot_telemetry_bronze").path(lake))
    bronze.delete("equipment_id = 'HT_003'")
    with pytest.raises(RuntimeError, match="1 of 6 queries failed: bronze receives: 14 records of 14 machines"):
        check.main(CATALOG, SCHEMA)


@pytest.mark.parametrize("item", VALIDATION_QUERIES, ids=lambda item: item.name)
def test_every_query_asks_the_tables_of_the_place_that_it_is_told(item):
    statement = check.statement(item, "mine.site")
    assert "field_engineering" not in statement
    assert f"mine.site.{item.reads}" in statement


def test_the_latency_that_zerobus_takes_is_allowed_for():
    latency = check.judge(next(item for item in VALIDATION_QUERIES if item.name == "latency is low"))
    assert latency([{"avg_pipeline_latency": 8.0, "max_pipeline_latency": 12.0}]).ok
    assert not latency([{"avg_pipeline_latency": 31.0, "max_pipeline_latency": 40.0}]).ok


def test_an_update_that_began_long_ago_needs_no_new_beginning_in_the_event_log():
    progress = {"event_type": "flow_progress", "level": "INFO", "message": ""}
    assert check.judge_event_log([progress]).ok
    assert not check.judge_event_log([]).ok
    assert "stopped" in check.judge_event_log([progress, {**progress, "level": "ERROR", "message": "stopped"}]).reason
