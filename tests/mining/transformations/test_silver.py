from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import pytest
from pyspark.sql import functions as F

from pitlake.mining import dimensions
from pitlake.mining.transformations import silver

APPENDED_AT = datetime(2026, 2, 15, 4, 12, 9, 250_000, tzinfo=UTC)


def message(tags: Any, *, machine: Any = "CR_002", stamp: Any = "2026-02-15T04:12:09.113Z", **fields: Any) -> dict[str, Any]:
    update = {"equipment_id": machine, "tags": tags, **fields}
    return {"timestamp": stamp, "source": "ignition_gateway_01", "message_id": "m-1", "batch": [update]}


def test_one_row_per_tag(silver_rows):
    rows = silver_rows(message({"Vibration_MM_S": 20.5, "Motor_Temp_C": 75, "Status": "RUNNING"}))
    assert [r.sensor_name for r in rows] == ["Motor_Temp_C", "Status", "Vibration_MM_S"]


def test_a_repeated_tag_is_one_row_with_the_last_value(silver_rows):
    rows = silver_rows(b'{"batch": [{"equipment_id": "CR_002", "tags": {"Vibration_MM_S": 1, "Vibration_MM_S": 2}}]}')
    assert [(r.sensor_name, r.sensor_value) for r in rows] == [("Vibration_MM_S", 2.0)]


def test_numbers_and_texts_have_their_own_columns(silver_rows):
    rows = silver_rows(message({"Vibration_MM_S": 20.5, "Status": "RUNNING"}))
    assert [(r.sensor_value, r.sensor_text) for r in rows] == [(None, "RUNNING"), (20.5, None)]


def test_a_number_keeps_its_value_exactly(silver_rows):
    numbers = [0, -3, 42.30, 1e-5, 1.5e10, 123456789.125]
    rows = silver_rows(*(message({"Vibration_MM_S": number}) for number in numbers))
    assert [row.sensor_value for row in rows] == numbers


def test_a_text_sensor_keeps_text_that_looks_like_a_number(silver_rows):
    [row] = silver_rows(message({"Operator_ID": "0117"}, machine="HT_001"))
    assert (row.sensor_value, row.sensor_text, row._rescued_data) == (None, "0117", None)


def test_an_undefined_sensor_is_typed_by_its_look(silver_rows):
    rows = silver_rows(message({"Extra_Number": 5, "Extra_State": "on"}))
    assert [(r.sensor_value, r.sensor_text, r.unit) for r in rows] == [(5.0, None, None), (None, "on", None)]


def test_a_number_that_is_not_finite_is_rescued(silver_rows):
    contract = '{"timestamp": "2026-02-15T04:12:09Z", "batch": [{"equipment_id": "CR_002", "tags": {"Vibration_MM_S": %s}}]}'
    rows = silver_rows(*((contract % token).encode() for token in ("NaN", "Infinity", "-Infinity", "1e999")))
    assert [(row.sensor_value, row.sensor_text) for row in rows] == [(None, None)] * 4
    assert [list(json.loads(row._rescued_data)) for row in rows] == [["Vibration_MM_S"]] * 4


def test_an_undefined_sensor_that_is_not_finite_is_rescued_too(silver_rows):
    [row] = silver_rows(message({"Extra": float("nan")}))
    assert (row.sensor_value, row.sensor_text, row._rescued_data) == (None, None, '{"Extra":"NaN"}')


def test_what_is_no_number_on_a_numeric_sensor_is_rescued(silver_rows):
    values = {"high": "high", "true": True, "[1,2]": [1, 2], '{"celsius":3}': {"celsius": 3}, "": ""}
    rows = silver_rows(*(message({"Vibration_MM_S": value}) for value in values.values()))
    assert [(row.sensor_value, row.sensor_text) for row in rows] == [(None, None)] * 5
    assert [json.loads(row._rescued_data)["Vibration_MM_S"] for row in rows] == list(values)


def test_a_null_tag_has_no_value_and_nothing_to_rescue(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": None}))
    assert (row.sensor_value, row.sensor_text, row._rescued_data) == (None, None, None)


def test_a_null_machine_stays_null(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}, machine=None))
    assert (row.equipment_id, row.sensor_name) == (None, "Vibration_MM_S")


def test_what_has_no_tag_is_one_row_with_an_empty_name(silver_rows):
    rows = silver_rows(b'{"batch": [{"equip', message({}), {"timestamp": "2026-02-15T04:12:09Z"})
    assert [(row.sensor_name, row.batch_index, row.sensor_value) for row in rows] == [("", 0, None)] * 3


def test_an_unparsable_message_is_still_ordered_by_its_landing(silver_rows):
    [row] = silver_rows(b"\xff")
    assert (row.landing_id, row.event_timestamp, row.effective_timestamp) == ("00000-0000000000000000000", None, APPENDED_AT)


class TestTagObjects:
    def test_value_quality_and_timestamp_are_taken_from_the_object(self, silver_rows):
        tag = {"value": 42.3, "quality": 24, "timestamp": "2026-02-15T04:12:08.500Z"}
        [row] = silver_rows(message({"Vibration_MM_S": tag}))
        assert (row.sensor_value, row.quality, row._rescued_data) == (42.3, "Bad", None)
        assert row.event_timestamp == datetime(2026, 2, 15, 4, 12, 8, 500_000, tzinfo=UTC)

    def test_without_a_timestamp_the_messages_counts(self, silver_rows):
        [row] = silver_rows(message({"Vibration_MM_S": {"value": 42.3}}))
        assert row.event_timestamp == datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC)

    def test_an_unreadable_timestamp_falls_back_and_is_rescued(self, silver_rows):
        [row] = silver_rows(message({"Vibration_MM_S": {"value": 42.3, "timestamp": "soon"}}))
        assert (row.sensor_value, row.event_timestamp) == (42.3, datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC))
        assert "soon" in row._rescued_data

    def test_a_further_field_is_rescued(self, silver_rows):
        [row] = silver_rows(message({"Vibration_MM_S": {"value": 42.3, "alarm": "HI"}}))
        assert row.sensor_value == 42.3
        assert json.loads(json.loads(row._rescued_data)["Vibration_MM_S"])["alarm"] == "HI"

    def test_its_text_goes_to_the_text_column(self, silver_rows):
        [row] = silver_rows(message({"Status": {"value": "RUNNING", "quality": "Good"}}))
        assert (row.sensor_text, row.quality, row._rescued_data) == ("RUNNING", "Good", None)

    def test_its_null_value_has_nothing_to_rescue(self, silver_rows):
        [row] = silver_rows(message({"Vibration_MM_S": {"value": None, "quality": 0}}))
        assert (row.sensor_value, row._rescued_data) == (None, None)

    def test_its_nan_is_rescued(self, silver_rows):
        [row] = silver_rows(message({"Vibration_MM_S": {"value": float("nan")}}))
        assert row.sensor_value is None
        assert "NaN" in row._rescued_data


class TestRowsOfTheIgnitionConnector:
    ROW: ClassVar = {"event_id": "e-1", "event_time": 1771128729113000, "tag_path": "Mine/CR_002/Vibration_MM_S", "quality": 192}

    def test_a_number_reaches_silver_with_its_machine_and_unit(self, silver_rows):
        [row] = silver_rows({**self.ROW, "numeric_value": 42.3, "string_value": None})
        assert (row.equipment_id, row.sensor_name, row.sensor_value, row.unit, row.quality, row._rescued_data) == (
            *("CR_002", "Vibration_MM_S", 42.3, "mm/s", "Good", None),
        )
        assert row.event_timestamp == datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC)

    def test_a_text_and_a_boolean_go_to_the_text_column(self, silver_rows):
        path = "[default]Mine/CR_002/"
        rows = silver_rows(
            {**self.ROW, "tag_path": path + "Status", "string_value": "RUNNING"},
            {**self.ROW, "tag_path": path + "Door_Open", "boolean_value": True},
        )
        assert [(row.sensor_name, row.sensor_text) for row in rows] == [("Status", "RUNNING"), ("Door_Open", "true")]

    def test_the_code_of_the_quality_counts_before_its_name(self, silver_rows):
        [row] = silver_rows({**self.ROW, "numeric_value": 42.3, "quality": "Good", "quality_code": 24})
        assert row.quality == "Bad"

    def test_a_row_without_a_value_has_none_and_nothing_to_rescue(self, silver_rows):
        [row] = silver_rows({**self.ROW, "quality": "Bad_Stale"})
        assert (row.sensor_name, row.sensor_value, row.sensor_text, row._rescued_data) == ("Vibration_MM_S", None, None, None)


def test_opc_quality_has_three_grades(spark):
    grades = {
        "192": "Good",
        "216": "Good",
        "Good_Unspecified": "Good",
        "64": "Uncertain",
        "uncertain": "Uncertain",
        str(0x40000000): "Uncertain",
        "0": "Bad",
        "24": "Bad",
        "Bad_Stale": "Bad",
        str(0x80000000): "Bad",
        "-1": None,
        "purple": None,
    }
    row = spark.range(1).select(*(silver.quality(F.lit(code)) for code in grades)).first()
    assert list(row) == list(grades.values())


def test_a_missing_quality_is_good(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}))
    assert row.quality == "Good"


def test_an_unknown_quality_is_uncertain_and_rescued(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": {"value": 20.5, "quality": "purple"}}))
    assert (row.quality, row.sensor_value) == ("Uncertain", 20.5)
    assert "purple" in row._rescued_data


def test_latency_is_in_fractional_seconds(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}))
    assert (row.latency_seconds, row.clock_skew_seconds) == (pytest.approx(0.137), 0.0)


def test_a_stamp_from_the_future_is_kept_and_flagged_and_does_not_take_effect(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}, stamp="2026-02-15T04:13:39.250Z"))
    assert row.event_timestamp == datetime(2026, 2, 15, 4, 13, 39, 250_000, tzinfo=UTC)
    assert (row.effective_timestamp, row.clock_skew_seconds, row.latency_seconds) == (APPENDED_AT, 90.0, 0.0)


def test_a_stamp_of_the_year_9999_takes_effect_when_it_arrived(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}, stamp="9999-12-31T23:59:59.999Z"))
    assert (row.event_timestamp.year, row.effective_timestamp) == (9999, APPENDED_AT)


def test_the_machines_attributes_are_joined(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}))
    assert (row.manufacturer, row.site, row.location, row.criticality) == (
        "Metso",
        "Pitlake Mine",
        "Primary crusher 2",
        "Critical",
    )


def test_an_unknown_machine_is_kept_without_attributes(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}, machine="XX_999"))
    assert (row.equipment_id, row.sensor_value, row.manufacturer, row.equipment_type) == ("XX_999", 20.5, None, None)


def test_the_type_is_the_messages_else_the_masters(silver_rows):
    rows = silver_rows(message({"Vibration_MM_S": 1}), message({"Vibration_MM_S": 1}, equipment_type="ShipLoader"))
    assert [r.equipment_type for r in rows] == ["Crusher", "ShipLoader"]


def test_unit_and_sensor_type_come_from_type_and_name(silver_rows):
    [row] = silver_rows(message({"Vibration_MM_S": 20.5}))
    assert (row.unit, row.sensor_type) == ("mm/s", "vibration")


def test_a_shift_is_of_the_local_day_and_a_night_belongs_to_the_evening_before(silver_rows):
    shifts = {
        "2026-02-15T05:59:59": ("NIGHT", date(2026, 2, 14)),
        "2026-02-15T06:00:00": ("DAY", date(2026, 2, 15)),
        "2026-02-15T13:59:59": ("DAY", date(2026, 2, 15)),
        "2026-02-15T14:00:00": ("AFTERNOON", date(2026, 2, 15)),
        "2026-02-15T22:00:00": ("NIGHT", date(2026, 2, 15)),
        "2026-02-15T23:59:59": ("NIGHT", date(2026, 2, 15)),
        "2026-02-16T00:00:00": ("NIGHT", date(2026, 2, 15)),
    }
    messages = [message({"Vibration_MM_S": 20.5}, stamp=f"{local}+08:00") for local in shifts]
    rows = silver_rows(*messages, at=datetime(2026, 2, 16, 1, tzinfo=UTC))
    assert [(row.shift_name, row.shift_date) for row in rows] == list(shifts.values())


def test_every_minute_of_the_day_has_one_shift(spark):
    minutes = silver.shift_minutes(spark.createDataFrame(dimensions.shift_schedule())).collect()
    assert sorted(m.minute_of_day for m in minutes) == list(range(1440))


def test_the_columns_are_those_of_the_schema(silver_frame, columns_of):
    assert silver_frame({}).dtypes == columns_of(silver.SCHEMA)
