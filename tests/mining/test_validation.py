from __future__ import annotations

import pytest

from pitlake.mining.site import MACHINES
from pitlake.mining.validation import (
    VALIDATION_QUERIES,
    judge_bronze,
    judge_event_log,
    judge_gold,
    judge_latency,
    judge_rescued,
    judge_silver,
)

TWO_SENSORS_EACH = [{"equipment_id": m.equipment_id, "sensor_name": s} for m in MACHINES for s in ("a", "b")]


def test_there_are_the_six_queries_of_the_specification():
    assert len({query.name for query in VALIDATION_QUERIES}) == 6


@pytest.mark.parametrize("query", VALIDATION_QUERIES, ids=lambda query: query.name)
def test_no_rows_is_a_verdict_and_no_error(query):
    assert query.judge([]).reason


@pytest.mark.parametrize(("records", "machines", "ok"), [(900, 15, True), (900, 16, True), (900, 14, False), (0, 0, False)])
def test_bronze_must_hear_of_every_machine(records, machines, ok):
    assert judge_bronze([{"total_records": records, "distinct_equipment": machines}]).ok is ok


def test_silver_must_have_several_sensors_of_every_machine():
    assert judge_silver(TWO_SENSORS_EACH).ok
    verdict = judge_silver(TWO_SENSORS_EACH[:-1])
    assert not verdict.ok
    assert "SL_001" in verdict.reason


@pytest.mark.parametrize(("averages", "ok"), [([20.1, 19.8], True), ([], False), ([20.1, 99999.0], False), ([None], False)])
def test_gold_must_have_windows_of_realistic_values(averages, ok):
    assert judge_gold([{"avg_value": average} for average in averages]).ok is ok


@pytest.mark.parametrize(
    ("average", "worst", "ok"), [(0.3, 1.9, True), (1.0, 1.9, False), (0.3, 2.0, False), (None, None, False)]
)
def test_latency_must_be_under_a_second_on_average_and_under_two_at_most(average, worst, ok):
    assert judge_latency([{"avg_pipeline_latency": average, "max_pipeline_latency": worst, "windows_processed": 3}]).ok is ok


@pytest.mark.parametrize(("rows", "ok"), [(0, True), (9, True), (10, False)])
def test_rescued_rows_must_be_fewer_than_the_limit(rows, ok):
    assert judge_rescued([{"_rescued_data": "{}"}] * rows).ok is ok


def test_the_event_log_must_have_an_update_and_flows_and_no_error():
    events = [{"event_type": t, "level": "INFO", "message": ""} for t in ("create_update", "flow_progress")]
    assert judge_event_log(events).ok
    assert not judge_event_log(events[:1]).ok
    assert not judge_event_log([*events, {"event_type": "flow_progress", "level": "ERROR", "message": "stopped"}]).ok
