from __future__ import annotations

import pytest

from pitlake.mining import dimensions
from pitlake.mining.site import MACHINES, SENSORS

TABLES = [dimensions.equipment_master, dimensions.shift_schedule, dimensions.sensor_definitions]
KEYS = {
    dimensions.equipment_master: ["equipment_id"],
    dimensions.shift_schedule: ["shift_id"],
    dimensions.sensor_definitions: ["equipment_type", "sensor_name"],
}


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_comment(table):
    assert all(field.metadata[b"comment"] for field in table().schema)


@pytest.mark.parametrize("table", TABLES)
def test_keys_are_unique_and_never_null(table):
    keys = table().select(KEYS[table]).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == len(keys)
    assert all(not table().schema.field(name).nullable for name in KEYS[table])


def test_equipment_master_has_the_machines_of_the_site():
    assert dimensions.equipment_master()["equipment_id"].to_pylist() == [machine.equipment_id for machine in MACHINES]


def test_no_attribute_of_a_machine_is_missing():
    assert all(value is not None for row in dimensions.equipment_master().to_pylist() for value in row.values())


def test_criticality_has_four_grades():
    assert set(dimensions.equipment_master()["criticality"].to_pylist()) <= {"Low", "Medium", "High", "Critical"}


def test_shift_times_are_hours_and_minutes():
    assert [(row["start_time"], row["end_time"]) for row in dimensions.shift_schedule().to_pylist()] == [
        ("06:00", "14:00"),
        ("14:00", "22:00"),
        ("22:00", "06:00"),
    ]


def test_sensor_definitions_has_every_sensor_of_every_type():
    assert dimensions.sensor_definitions().num_rows == sum(len(sensors) for sensors in SENSORS.values())
