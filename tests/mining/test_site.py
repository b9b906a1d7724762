from __future__ import annotations

import re

from pitlake.mining.site import MACHINES, SENSORS, SHIFTS, EquipmentType


def test_there_are_fifteen_machines_with_ids_of_their_own():
    assert len({machine.equipment_id for machine in MACHINES}) == 15


def test_every_type_has_sensors_with_names_of_their_own():
    for kind in EquipmentType:
        names = [sensor.name for sensor in SENSORS[kind]]
        assert len(set(names)) == len(names) > 0


def test_limits_lie_within_each_other():
    for sensors in SENSORS.values():
        for sensor in sensors:
            if sensor.is_numeric:
                (low, high), (first, last) = sensor.normal, sensor.span
                assert first <= low <= sensor.nominal <= high <= last, sensor


def test_a_healthy_machine_raises_no_alarm():
    for sensors in SENSORS.values():
        for sensor in sensors:
            below, above = sensor.alarm
            assert below is None or below < sensor.normal[0], sensor
            assert above is None or above > sensor.normal[1], sensor


def test_a_text_has_neither_unit_nor_limits():
    for sensors in SENSORS.values():
        for sensor in sensors:
            assert sensor.is_numeric or (sensor.nominal, *sensor.normal, *sensor.span) == (None,) * 5


def test_units_are_ucum():
    ucum = re.compile(r"^(%|\[psi\]|[a-zA-Z]+(/[a-z]+)?)$")
    assert all(ucum.match(sensor.unit) for sensors in SENSORS.values() for sensor in sensors if sensor.unit)


def test_the_shifts_cover_the_day():
    assert [shift.end_time for shift in SHIFTS] == [*(shift.start_time for shift in SHIFTS[1:]), SHIFTS[0].start_time]


def test_maintenance_follows_installation():
    assert all(machine.installation_date < machine.last_maintenance_date for machine in MACHINES)
