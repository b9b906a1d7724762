"""The whole way, from the simulator to Delta and SQL, on the real broker, Spark and writer, with parts killed on the way.

One run serves all tests: readings are sent, bad messages among them; Spark's JVM, its driver and the writer are killed; a
dimension row changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil
import pytest
from deltalake import DeltaTable

from pitlake.cli.ask import run_check
from pitlake.cli.parts import LANDING
from pitlake.lake.sql import query
from pitlake.streams.consumers import BEGINNING, TopicReader
from tests.support.mine import PIPELINE, SILVER_KEY, WRITER, Mine, mine_at
from tests.support.oracle import readings_in, repeated_keys

pytestmark = pytest.mark.timeout(480)

CHECKED = ("bronze receives", "silver is complete", "gold is realistic", "little is rescued")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mine]:
    before = _descendants()
    with mine_at(tmp_path_factory.mktemp("mine")) as mine:
        with mine.simulated():
            mine.run(10)
            mine.send_bad_payloads()
            mine.kill("jvm")
            machines = DeltaTable(mine.table("equipment_master"))
            machines.update({"location": "'moved in between'"}, predicate="equipment_id = 'CR_002'")
            mine.run(15)
            mine.kill(WRITER)
            mine.run(20)
            mine.kill(PIPELINE)
            mine.run(10)
        mine.run_until(lambda: mine.has_caught_up() and not _stale_statuses(mine), 150, every=2)
        yield mine
    assert _descendants() <= before, "a process is left running after the end"


def _descendants() -> set[int]:
    return {child.pid for child in psutil.Process(os.getpid()).children(recursive=True)}


def _ask(mine: Mine, statement: str) -> list[dict[str, object]]:
    settings = mine.system.settings
    return query(settings.lake_url, statement, catalog=settings.catalog, schema=settings.schema_).to_pylist()


def _stale_statuses(mine: Mine) -> list[dict[str, object]]:
    newest = """
        SELECT equipment_id, sensor_name, max_by(sensor_value, struct(effective_timestamp, landing_id, batch_index)) AS value
        FROM ot_sensors_normalized WHERE sensor_value IS NOT NULL OR sensor_text IS NOT NULL GROUP BY ALL
    """
    return _ask(
        mine,
        f"SELECT s.* FROM equipment_current_status s FULL JOIN ({newest}) n USING (equipment_id, sensor_name) "
        "WHERE s.sensor_value IS DISTINCT FROM n.value",
    )


def test_every_table_of_gold_equals_the_ledger_in_spite_of_kills(mine):
    assert mine.compare()["equipment_performance_1min"].rows > 100
    assert mine.differences() == []


def test_no_reading_is_in_silver_twice(mine):
    assert repeated_keys(mine.table("ot_sensors_normalized"), SILVER_KEY) == 0


def test_every_reading_of_the_ledger_is_in_silver(mine):
    assert mine.silver_readings() == readings_in(mine.ledger)


def test_the_validation_queries_pass(mine):
    verdicts = {check.query.name: check.verdict for check in run_check(mine.system.settings)}
    assert {name: verdicts[name].reason for name in CHECKED if not verdicts[name].ok} == {}


def test_status_holds_the_latest_value_of_every_sensor(mine):
    assert _stale_statuses(mine) == []


def test_a_dimension_row_that_has_changed_shows_in_what_is_written_afterwards(mine):
    places = _ask(mine, "SELECT DISTINCT location FROM equipment_current_status WHERE equipment_id = 'CR_002'")
    assert {"location": "moved in between"} in places


@pytest.mark.parametrize(
    ("fault", "where"),
    [
        (
            "truncated-json",
            "SELECT 1 FROM ot_telemetry_bronze WHERE equipment_id IS NULL AND _rescued_data LIKE '%not a JSON object%'",
        ),
        ("invalid-utf8", "SELECT 1 FROM ot_telemetry_bronze WHERE _rescued_data LIKE '%not UTF-8%'"),
        ("wrong-types", "SELECT 1 FROM ot_sensors_normalized WHERE sensor_value IS NULL AND _rescued_data LIKE '%high%'"),
        ("not-a-number", "SELECT 1 FROM ot_sensors_normalized WHERE sensor_value IS NULL AND _rescued_data LIKE '%NaN%'"),
        ("out-of-range", "SELECT 1 FROM ot_sensors_normalized WHERE sensor_value = 99999"),
        ("unknown-machine", "SELECT 1 FROM ot_sensors_normalized WHERE equipment_id = 'XX_999' AND manufacturer IS NULL"),
        ("far-future", "SELECT 1 FROM ot_sensors_normalized WHERE year(event_timestamp) = 9999 AND clock_skew_seconds > 0"),
        (
            "null-id",
            "SELECT 1 FROM ot_sensors_normalized_quarantine WHERE array_contains(failed_expectations, 'valid_equipment')",
        ),
        ("null-value", "SELECT 1 FROM ot_sensors_normalized_quarantine WHERE array_contains(failed_expectations, 'valid_value')"),
        ("wrong-shape", "SELECT 1 FROM ot_telemetry_bronze WHERE equipment_id IS NULL AND _rescued_data LIKE '%none%'"),
    ],
)
def test_a_bad_message_lands_where_the_rules_say(mine, fault, where):
    assert _ask(mine, where), fault


def test_bronze_keeps_every_message(mine):
    landed = 0
    with TopicReader(mine.system.bootstrap, LANDING.name, dict.fromkeys(range(LANDING.partitions), BEGINNING)) as reader:
        while not reader.at_end:
            landed += len(reader.take(1000, 0.1))
    assert _ask(mine, "SELECT count(*) AS n FROM ot_telemetry_bronze WHERE raw IS NOT NULL") == [{"n": landed}]


def test_the_first_flow_of_a_pipeline_that_has_not_changed_starts_before_the_others_are_planned(mine):
    begins, planned = "Flow equipment_performance_1min is STARTING.", "is SETTING_UP_TABLES."
    told = _ask(mine, "SELECT message FROM event_log ORDER BY sequence.data_plane_id.seq_no")
    steps = [begins if row["message"] == begins else planned for row in told if row["message"].endswith((begins, planned))]
    assert steps[:3] == [planned, begins, begins]


def test_what_was_killed_came_back(mine):
    died = {event.part for event in mine.events if event.change == "died"}
    assert died >= {PIPELINE, WRITER}
    assert all(mine.system.supervisor.pid(part) for part in ("broker", PIPELINE, WRITER))
