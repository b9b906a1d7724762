"""The mine, written down once: simulator, dimension tables and tests all read it from here, so that no id can diverge."""

from pitlake.mining.site.machines import MACHINES, SITE, EquipmentType, Machine, machine
from pitlake.mining.site.sensors import SENSORS, Sensor, sensor
from pitlake.mining.site.shifts import SHIFTS, TIME_ZONE, UTC_OFFSET, Shift

__all__ = [
    "MACHINES",
    "SENSORS",
    "SHIFTS",
    "SITE",
    "TIME_ZONE",
    "UTC_OFFSET",
    "EquipmentType",
    "Machine",
    "Sensor",
    "Shift",
    "machine",
    "sensor",
]
