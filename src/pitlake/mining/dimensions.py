"""The site's dimension tables as Arrow tables; each field carries its column comment in its metadata under `comment`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pitlake.mining.site import MACHINES, SENSORS, SHIFTS, SITE

if TYPE_CHECKING:
    from collections.abc import Callable

_ROWS_WRITTEN_AT = datetime(2026, 11, 16, tzinfo=UTC)
_TIMESTAMP = pa.timestamp("us", tz="UTC")


def _column(name: str, kind: pa.DataType, comment: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={b"comment": comment.encode()})


_EQUIPMENT_MASTER = pa.schema(
    [
        _column("equipment_id", pa.string(), "Key: id of the machine", nullable=False),
        _column("equipment_type", pa.string(), "Type of the machine, which decides its sensors", nullable=False),
        _column("manufacturer", pa.string(), "Who made the machine"),
        _column("model", pa.string(), "The maker's name of the model"),
        _column("site", pa.string(), "Site (ISA-95) to which the machine belongs"),
        _column("area", pa.string(), "Area of the site (ISA-95)"),
        _column("location", pa.string(), "Place within the area"),
        _column("criticality", pa.string(), "Low, Medium, High or Critical: what its standstill means for the mine"),
        _column("max_capacity", pa.float64(), "Rated capacity, in capacity_unit"),
        _column("capacity_unit", pa.string(), "Unit (UCUM) of max_capacity"),
        _column("installation_date", pa.date32(), "Date of commissioning"),
        _column("last_maintenance_date", pa.date32(), "Date of the last planned maintenance"),
        _column("maintenance_interval_days", pa.int32(), "Days from one planned maintenance to the next"),
        _column("is_active", pa.bool_(), "Whether the machine is in service"),
        _column("created_at", _TIMESTAMP, "When the row was first written, UTC"),
        _column("updated_at", _TIMESTAMP, "When the row was last changed, UTC"),
    ]
)

_SHIFT_SCHEDULE = pa.schema(
    [
        _column("shift_id", pa.string(), "Key: id of the shift", nullable=False),
        _column("shift_name", pa.string(), "DAY, AFTERNOON or NIGHT", nullable=False),
        _column("start_time", pa.string(), "First minute of the shift, HH:MM in the site's time zone", nullable=False),
        _column(
            "end_time",
            pa.string(),
            "Minute at which it ends, HH:MM; before start_time when it crosses midnight",
            nullable=False,
        ),
        _column("shift_type", pa.string(), "Day, Evening or Night"),
    ]
)

_SENSOR_DEFINITIONS = pa.schema(
    [
        _column("equipment_type", pa.string(), "Key: type of the machine", nullable=False),
        _column("sensor_name", pa.string(), "Key: name of the tag", nullable=False),
        _column(
            "sensor_type",
            pa.string(),
            "What is measured: vibration, temperature, …; state, identifier: text",
            nullable=False,
        ),
        _column("unit", pa.string(), "Unit (UCUM); NULL for a tag that carries text"),
        _column("normal_min", pa.float64(), "Lowest value of a healthy machine"),
        _column("normal_max", pa.float64(), "Highest value of a healthy machine"),
        _column("alarm_low", pa.float64(), "Below it an alarm is due; NULL for none"),
        _column("alarm_high", pa.float64(), "Above it an alarm is due; NULL for none"),
        _column("range_min", pa.float64(), "Lowest value that the instrument can show"),
        _column("range_max", pa.float64(), "Highest value that the instrument can show"),
        _column("description", pa.string(), "What the tag tells"),
    ]
)


def equipment_master() -> pa.Table:
    """One row per machine, keyed by equipment_id."""
    rows = [
        {
            **{name: getattr(machine, name) for name in _EQUIPMENT_MASTER.names if hasattr(machine, name)},
            "equipment_type": machine.equipment_type.value,
            "site": SITE,
            "is_active": True,
            "created_at": _ROWS_WRITTEN_AT,
            "updated_at": _ROWS_WRITTEN_AT,
        }
        for machine in MACHINES
    ]
    return pa.Table.from_pylist(rows, schema=_EQUIPMENT_MASTER)


def shift_schedule() -> pa.Table:
    """One row per shift, keyed by shift_id; times are `HH:MM` in the site's time zone."""
    rows = [
        {
            "shift_id": shift.shift_id,
            "shift_name": shift.shift_name,
            "start_time": _hours_minutes(shift.start_time),
            "end_time": _hours_minutes(shift.end_time),
            "shift_type": shift.shift_type,
        }
        for shift in SHIFTS
    ]
    return pa.Table.from_pylist(rows, schema=_SHIFT_SCHEDULE)


def sensor_definitions() -> pa.Table:
    """One row per type of machine and sensor, keyed by both."""
    rows: list[dict[str, Any]] = [
        {
            "equipment_type": equipment_type.value,
            "sensor_name": sensor.name,
            "sensor_type": sensor.sensor_type,
            "unit": sensor.unit,
            "normal_min": sensor.normal[0],
            "normal_max": sensor.normal[1],
            "alarm_low": sensor.alarm[0],
            "alarm_high": sensor.alarm[1],
            "range_min": sensor.span[0],
            "range_max": sensor.span[1],
            "description": sensor.description,
        }
        for equipment_type, sensors in SENSORS.items()
        for sensor in sensors
    ]
    return pa.Table.from_pylist(rows, schema=_SENSOR_DEFINITIONS)


def _hours_minutes(moment: time) -> str:
    return moment.strftime("%H:%M")


@dataclass(frozen=True)
class Dimension:
    """A dimension table: `rows` gives it as it is first written."""

    name: str
    comment: str
    keys: tuple[str, ...]
    rows: Callable[[], pa.Table]


DIMENSIONS = (
    Dimension("equipment_master", "Machines of the site and what is known of them", ("equipment_id",), equipment_master),
    Dimension("shift_schedule", "Shifts, in the site's time zone", ("shift_id",), shift_schedule),
    Dimension(
        "sensor_definitions",
        "Units, ranges and limits per machine type and sensor",
        ("equipment_type", "sensor_name"),
        sensor_definitions,
    ),
)
