"""Databricks SQL over Delta tables: the specification's queries as they stand, names, snapshots, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from pitlake.errors import LakeError, QueryError
from pitlake.lake import sql
from pitlake.lake.names import TableName
from pitlake.lake.sql import query

CATALOG, SCHEMA = "field_engineering", "mining_demo"
NOW = datetime(2026, 2, 15, 4, 12, 9, 113000, tzinfo=UTC)
INSTANT = pa.timestamp("us", "UTC")


def ago(minutes):
    return NOW - timedelta(minutes=minutes)


def store(lake, name, rows, **types):
    schema = pa.schema(list(types.items()))
    write_deltalake(TableName(CATALOG, SCHEMA, name).path(str(lake)), pa.Table.from_pylist(rows, schema=schema), mode="append")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = tmp_path_factory.mktemp("lake")
    store(
        lake,
        "ot_telemetry_bronze",
        [
            {"ingestion_timestamp": ago(1), "equipment_id": "CR_002", "tags": [("Status", "RUNNING")]},
            {"ingestion_timestamp": ago(2), "equipment_id": "HT_001", "tags": []},
            {"ingestion_timestamp": ago(2), "equipment_id": None, "tags": None},
            {"ingestion_timestamp": ago(6), "equipment_id": "HT_002", "tags": []},
        ],
        ingestion_timestamp=INSTANT,
        equipment_id=pa.string(),
        tags=pa.map_(pa.string(), pa.string()),
    )
    store(
        lake,
        "ot_sensors_normalized",
        [
            {"equipment_id": "HT_001", "sensor_name": "Speed_KPH", "sensor_value": 20.0, "event_timestamp": ago(1)},
            {"equipment_id": "HT_001", "sensor_name": "Speed_KPH", "sensor_value": 30.0, "event_timestamp": ago(2)},
            {"equipment_id": "CR_002", "sensor_name": "Vibration_MM_S", "sensor_value": 40.0, "event_timestamp": ago(2)},
            {"equipment_id": "CR_002", "sensor_name": "Vibration_MM_S", "event_timestamp": ago(9), "_rescued_data": '{"x":1}'},
        ],
        equipment_id=pa.string(),
        sensor_name=pa.string(),
        sensor_value=pa.float64(),
        event_timestamp=INSTANT,
        _rescued_data=pa.string(),
    )
    store(
        lake,
        "equipment_performance_1min",
        [
            {
                "window_start": ago(minutes),
                "equipment_id": machine,
                "sensor_name": sensor,
                "avg_value": 20.0,
                "reading_count": 120,
            }
            for minutes in (1, 2, 31)
            for machine, sensor in (("CR_002", "Vibration_MM_S"), ("CR_002", "Motor_Temp_C"), ("CR_001", "Vibration_MM_S"))
        ],
        window_start=INSTANT,
        equipment_id=pa.string(),
        sensor_name=pa.string(),
        avg_value=pa.float64(),
        reading_count=pa.int64(),
    )
    store(
        lake,
        "pipeline_quality_metrics",
        [
            {"minute": ago(1), "max_latency_sec": 0.5},
            {"minute": ago(2), "max_latency_sec": 1.5},
            {"minute": ago(11), "max_latency_sec": 9.0},
        ],
        minute=INSTANT,
        max_latency_sec=pa.float64(),
    )
    store(
        lake,
        "event_log",
        [
            {"timestamp": ago(59), "event_type": "create_update", "details": "{}", "origin": {"update_id": "u1"}},
            {
                "timestamp": ago(1),
                "event_type": "flow_progress",
                "details": '{"flow_progress":{"status":"RUNNING"}}',
                "origin": {"update_id": "u1"},
            },
            {"timestamp": ago(61), "event_type": "flow_progress", "details": "{}", "origin": {"update_id": "u0"}},
        ],
        timestamp=INSTANT,
        event_type=pa.string(),
        details=pa.string(),
        origin=pa.struct([("update_id", pa.string())]),
    )
    return str(lake)


@pytest.fixture(scope="module")
def ask(lake):
    return lambda statement: query(lake, statement, catalog=CATALOG, schema=SCHEMA, now=NOW)


def test_validation_query_1_counts_recent_records(ask):
    answer = ask(
        "SELECT count(*) as total_records, min(ingestion_timestamp) as first_event, max(ingestion_timestamp) as last_event, "
        "count(DISTINCT equipment_id) as distinct_equipment FROM field_engineering.mining_demo.ot_telemetry_bronze "
        "WHERE ingestion_timestamp > CURRENT_TIMESTAMP - INTERVAL '5 minutes';"
    )
    assert answer.to_pylist() == [{"total_records": 3, "first_event": ago(2), "last_event": ago(1), "distinct_equipment": 2}]


def test_validation_query_2_averages_per_machine_and_sensor(ask):
    answer = ask(
        "SELECT equipment_id, sensor_name, count(*) as reading_count, avg(sensor_value) as avg_value, max(event_timestamp) as "
        "latest_reading FROM field_engineering.mining_demo.ot_sensors_normalized WHERE event_timestamp > CURRENT_TIMESTAMP - "
        "INTERVAL '5 minutes' GROUP BY equipment_id, sensor_name ORDER BY equipment_id, sensor_name;"
    )
    assert [tuple(row.values()) for row in answer.to_pylist()] == [
        ("CR_002", "Vibration_MM_S", 1, 40.0, ago(2)),
        ("HT_001", "Speed_KPH", 2, 25.0, ago(1)),
    ]


WINDOWS_OF_THE_CRUSHER = (
    "SELECT window_start, equipment_id, sensor_name, avg_value, reading_count FROM "
    "field_engineering.mining_demo.equipment_performance_1min WHERE window_start > CURRENT_TIMESTAMP - INTERVAL '30 minutes' "
    "AND equipment_id = 'CR_002' AND sensor_name = 'Vibration_MM_S' ORDER BY window_start DESC LIMIT 30;"
)


def test_validation_query_3_lists_recent_windows(ask):
    answer = ask(WINDOWS_OF_THE_CRUSHER)
    assert answer["window_start"].to_pylist() == [ago(1), ago(2)]
    assert answer.schema.field("window_start").type == INSTANT


def test_validation_query_4_summarizes_latency(ask):
    answer = ask(
        "SELECT avg(max_latency_sec) as avg_pipeline_latency, max(max_latency_sec) as max_pipeline_latency, count(*) as "
        "windows_processed FROM field_engineering.mining_demo.pipeline_quality_metrics WHERE minute > CURRENT_TIMESTAMP - "
        "INTERVAL '10 minutes';"
    )
    assert answer.to_pylist() == [{"avg_pipeline_latency": 1.0, "max_pipeline_latency": 1.5, "windows_processed": 2}]


def test_validation_query_5_finds_rescued_data(ask):
    answer = ask("SELECT * FROM field_engineering.mining_demo.ot_sensors_normalized WHERE _rescued_data IS NOT NULL LIMIT 10;")
    assert answer["_rescued_data"].to_pylist() == ['{"x":1}']


def test_validation_query_6_reads_the_event_log(ask):
    answer = ask(
        "SELECT * FROM event_log('field_engineering.mining_demo') WHERE timestamp > CURRENT_TIMESTAMP - INTERVAL '1 hour' "
        "ORDER BY timestamp DESC;"
    )
    assert answer["timestamp"].to_pylist() == [ago(1), ago(59)]


def test_the_event_logs_details_open_with_colons(ask):
    answer = ask(
        "SELECT details:flow_progress.status FROM event_log(TABLE(ot_telemetry_bronze)) WHERE details:flow_progress IS NOT NULL"
    )
    assert answer.to_pylist() == [{"status": "RUNNING"}]


def test_the_latest_update_of_the_event_log(ask):
    answer = ask(
        "WITH latest_update AS (SELECT origin.update_id AS id FROM event_log WHERE event_type = 'create_update' "
        "ORDER BY timestamp DESC LIMIT 1) SELECT max_by(event_type, timestamp) AS last FROM event_log, latest_update "
        "WHERE origin.update_id = latest_update.id"
    )
    assert answer.to_pylist() == [{"last": "flow_progress"}]


@pytest.mark.parametrize(
    "name",
    [
        "field_engineering.mining_demo.ot_telemetry_bronze",
        "mining_demo.ot_telemetry_bronze",
        "ot_telemetry_bronze",
        "`field_engineering`.`mining_demo`.`ot_telemetry_bronze`",
        "MINING_DEMO.OT_Telemetry_Bronze",
    ],
)
def test_a_table_is_found_by_three_parts_two_or_one(ask, name):
    assert ask(f"SELECT count(*) AS n FROM {name}")["n"].to_pylist() == [4]


def test_a_column_may_carry_its_tables_full_name(ask):
    answer = ask(
        "SELECT field_engineering.mining_demo.pipeline_quality_metrics.minute, pipeline_quality_metrics.minute AS again "
        "FROM field_engineering.mining_demo.pipeline_quality_metrics ORDER BY minute LIMIT 1"
    )
    assert answer.to_pylist() == [{"minute": ago(11), "again": ago(11)}]


def test_a_table_joined_to_itself_is_opened_once(ask, monkeypatch):
    opened = []
    monkeypatch.setattr(sql, "DeltaTable", lambda path: opened.append(path) or DeltaTable(path))
    answer = ask("SELECT count(*) AS n FROM pipeline_quality_metrics JOIN pipeline_quality_metrics AS other USING (minute)")
    assert (answer["n"].to_pylist(), len(opened)) == ([3], 1)


def test_a_map_is_exploded_by_a_lateral_view(ask):
    answer = ask("SELECT equipment_id, name, value FROM ot_telemetry_bronze LATERAL VIEW explode(tags) t AS name, value")
    assert answer.to_pylist() == [{"equipment_id": "CR_002", "name": "Status", "value": "RUNNING"}]


def test_a_sum_of_integers_is_an_integer(ask):
    answer = ask("SELECT sum(reading_count) AS n FROM equipment_performance_1min")
    assert (answer.schema.field("n").type, answer["n"].to_pylist()) == (pa.int64(), [1080])


def test_the_current_time_is_the_default_now(lake):
    answer = query(lake, "SELECT CURRENT_TIMESTAMP AS t", catalog=CATALOG, schema=SCHEMA)
    assert abs(datetime.now(UTC) - answer["t"].to_pylist()[0]) < timedelta(minutes=1)


def test_show_tables_lists_the_schema_in_use(ask):
    assert ask("SHOW TABLES LIKE '*metrics'")["tableName"].to_pylist() == ["pipeline_quality_metrics"]


@pytest.mark.parametrize("schema", ["mining_demo", "field_engineering.mining_demo"])
def test_show_tables_lists_a_named_schema(ask, schema):
    assert len(ask(f"SHOW TABLES IN {schema}")) == 5


def test_describe_shows_a_tables_columns(ask):
    assert ask("DESCRIBE TABLE pipeline_quality_metrics")["data_type"].to_pylist() == ["timestamp", "double"]


def test_an_unknown_table_brings_the_nearest_names(ask):
    with pytest.raises(QueryError) as error:
        ask("SELECT * FROM equipment_performance_1mn")
    assert "no table field_engineering.mining_demo.equipment_performance_1mn" in error.value.what
    assert "Did you mean field_engineering.mining_demo.equipment_performance_1min?" in error.value.do


def test_a_name_like_no_other_is_answered_with_how_to_see_what_there_is(ask):
    with pytest.raises(QueryError) as error:
        ask("SELECT * FROM xyz")
    assert error.value.do.startswith("SHOW TABLES lists what there is")


def test_an_empty_lake_is_said_to_be_empty(tmp_path):
    with pytest.raises(QueryError, match="the lake is empty"):
        query(str(tmp_path), "SELECT * FROM t", catalog=CATALOG, schema=SCHEMA)


def test_an_unknown_column_is_named(ask):
    with pytest.raises(QueryError, match="equipment") as error:
        ask("SELECT equipment FROM ot_telemetry_bronze")
    assert len(error.value.what.splitlines()) == 1


@pytest.mark.parametrize(
    "source",
    ["`/etc/passwd`", "delta.`/etc`", "json.`/etc/passwd`", "a.b.c.d", "information_schema.tables", "duckdb_settings", "NOW"],
)
def test_nothing_outside_the_lake_can_be_read(ask, source):
    with pytest.raises(QueryError):
        ask(f"SELECT * FROM {source}")


@pytest.mark.parametrize("expression", ["getenv('HOME')", "no_such_function(1)"])
def test_unknown_functions_are_refused(ask, expression):
    with pytest.raises(QueryError, match="does not exist"):
        ask(f"SELECT {expression}")


def test_a_filter_on_the_window_opens_only_the_files_of_those_windows(tmp_path):
    for minutes in (1, 45):
        row = {
            "window_start": ago(minutes),
            "equipment_id": "CR_002",
            "sensor_name": "Vibration_MM_S",
            "avg_value": 1.0,
            "reading_count": 1,
        }
        types = {"avg_value": pa.float64(), "reading_count": pa.int64(), "equipment_id": pa.string(), "sensor_name": pa.string()}
        store(tmp_path, "equipment_performance_1min", [row], window_start=INSTANT, **types)
    closed = next(path for path in tmp_path.rglob("*.parquet") if pq.read_table(path)["window_start"].to_pylist() == [ago(45)])
    closed.unlink()
    answer = query(str(tmp_path), WINDOWS_OF_THE_CRUSHER, catalog=CATALOG, schema=SCHEMA, now=NOW)
    assert answer["window_start"].to_pylist() == [ago(1)]


def test_a_file_that_is_gone_asks_to_be_asked_again(tmp_path):
    store(tmp_path, "t", [{"v": 1}], v=pa.int64())
    next(tmp_path.rglob("*.parquet")).unlink()
    with pytest.raises(QueryError) as error:
        query(str(tmp_path), "SELECT * FROM t", catalog=CATALOG, schema=SCHEMA)
    assert "Ask again" in error.value.do


def test_a_broken_log_is_a_lake_error(tmp_path):
    store(tmp_path, "t", [{"v": 1}], v=pa.int64())
    next(tmp_path.rglob("*.json")).write_text("{")
    with pytest.raises(LakeError, match=r"mining_demo\.t cannot be opened"):
        query(str(tmp_path), "SELECT * FROM t", catalog=CATALOG, schema=SCHEMA)


rows = st.lists(
    st.fixed_dictionaries(
        {
            "machine": st.sampled_from(["CR_001", "CR_002", "HT_001"]),
            "value": st.none() | st.integers(-1000, 1000),
            "day": st.dates(date(2026, 1, 1), date(2026, 1, 5)),
        }
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=20, deadline=None)
@given(rows, st.integers(-1000, 1000), st.dates(date(2026, 1, 1), date(2026, 1, 5)))
def test_aggregates_equal_those_of_arrow(tmp_path_factory, rows, limit, day):
    lake = tmp_path_factory.mktemp("lake")
    types = {"machine": pa.string(), "value": pa.int64(), "day": pa.date32()}
    store(lake, "t", rows, **types)
    answer = query(
        str(lake),
        f"SELECT machine, count(*) AS n, sum(value) AS total, max(value) AS highest FROM t "
        f"WHERE value < {limit} AND day >= DATE'{day}' GROUP BY ALL ORDER BY machine",
        catalog=CATALOG,
        schema=SCHEMA,
    )
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(types.items())))
    kept = table.filter((pc.field("value") < limit) & (pc.field("day") >= pa.scalar(day)))
    expected = kept.group_by("machine").aggregate([([], "count_all"), ("value", "sum"), ("value", "max")]).sort_by("machine")
    assert [tuple(row.values()) for row in answer.to_pylist()] == list(zip(*expected.to_pydict().values(), strict=True))
