from __future__ import annotations

from pitlake.mining.transformations import status

TAGS = {"Vibration_MM_S": 20.5, "Status": "RUNNING", "Motor_Temp_C": "hot", "Motor_Current_A": None}
MESSAGE = {"timestamp": "2026-02-15T04:12:09.113Z", "batch": [{"equipment_id": "CR_002", "tags": TAGS}]}


def test_readings_without_a_value_change_nothing(silver_frame, collected):
    rows = collected(status.changes(silver_frame(MESSAGE)))
    assert sorted((r.sensor_name, r.sensor_value, r.sensor_text) for r in rows) == [
        ("Status", None, "RUNNING"),
        ("Vibration_MM_S", 20.5, None),
    ]


def test_the_columns_are_those_of_the_schema(silver_frame, columns_of):
    assert status.changes(silver_frame({})).dtypes == columns_of(status.SCHEMA)


def test_keys_and_sequence_are_columns(columns_of):
    names = [name for name, _ in columns_of(status.SCHEMA)]
    assert set(status.KEYS) | set(status.SEQUENCE) <= set(names)
