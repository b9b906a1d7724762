"""What each type of machine measures: the same number can be healthy on one type and a fault on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pitlake.mining.site.machines import EquipmentType

if TYPE_CHECKING:
    from collections.abc import Mapping

Limits = tuple[float | None, float | None]
NO_LIMITS: Limits = (None, None)


@dataclass(frozen=True)
class Sensor:
    """One tag of a machine type, in `unit` (UCUM). A tag that carries text has neither unit nor nominal nor limits.

    `normal` is where a healthy machine stays, `alarm` is where an alarm begins (low, high), `span` is what the instrument can
    show. `values` lists the texts that a state can have.
    """

    name: str
    sensor_type: str
    unit: str | None
    nominal: float | None
    normal: Limits
    span: Limits
    description: str
    alarm: Limits = NO_LIMITS
    values: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.unit is not None


def _state(name: str, description: str, *values: str) -> Sensor:
    return Sensor(name, "state", None, None, NO_LIMITS, NO_LIMITS, description, values=values)


def _tire(corner: str, where: str) -> Sensor:
    return Sensor(
        f"Tire_Pressure_{corner}_PSI",
        "pressure",
        "[psi]",
        100,
        (99, 101),
        (0, 150),
        f"Pressure of the {where} tyre",
        alarm=(90, 115),
    )


_RUN_STATE = _state("Status", "State of the machine", "STOPPED", "STARTING", "RUNNING", "DEGRADED", "FAULT")

_HAUL_TRUCK = (
    Sensor("Location_Lat", "position", "deg", -31.95, (-32.0, -31.9), (-90, 90), "Latitude, WGS 84"),
    Sensor("Location_Lon", "position", "deg", 115.86, (115.8, 115.9), (-180, 180), "Longitude, WGS 84"),
    Sensor("Speed_KPH", "speed", "km/h", 28, (0, 55), (0, 80), "Ground speed", alarm=(None, 60)),
    Sensor("Load_Tonnes", "mass", "t", 225, (0, 240), (0, 250), "Payload", alarm=(None, 245)),
    Sensor("Fuel_Level_Pct", "level", "%", 60, (20, 100), (0, 100), "Fuel in the tank", alarm=(15, None)),
    Sensor("Engine_Temp_C", "temperature", "Cel", 90, (85, 95), (0, 120), "Engine coolant temperature", alarm=(None, 105)),
    _tire("FL", "front left"),
    _tire("FR", "front right"),
    _tire("RL", "rear left"),
    _tire("RR", "rear right"),
    Sensor("Vibration_MM_S", "vibration", "mm/s", 3, (1, 6), (0, 20), "Frame vibration, RMS", alarm=(None, 12)),
    Sensor("Operator_ID", "identifier", None, None, NO_LIMITS, NO_LIMITS, "Code of the operator's seat, not of a person"),
    _state("Cycle_State", "Phase of the haul cycle", "stopped", "loading", "hauling_loaded", "dumping", "returning_empty"),
    Sensor("Cycle_Time_Sec", "duration", "s", 690, (0, 1380), (0, 1380), "Seconds since the haul cycle began"),
    Sensor("Hours_Operated", "duration", "h", 5000, (0, 60000), (0, 100000), "Operating hours since commissioning"),
)

_CRUSHER = (
    _RUN_STATE,
    Sensor("Throughput_TPH", "flow", "t/h", 2400, (2300, 2500), (0, 3000), "Crushed material", alarm=(1500, None)),
    Sensor("Vibration_MM_S", "vibration", "mm/s", 20, (18, 22), (0, 100), "Main bearing vibration, RMS", alarm=(None, 40)),
    Sensor("Motor_Current_A", "current", "A", 200, (185, 215), (0, 300), "Drive motor current", alarm=(None, 260)),
    Sensor("Belt_Speed_M_S", "speed", "m/s", 2, (1.9, 2.1), (0, 3), "Discharge belt speed", alarm=(1, None)),
    Sensor("Chute_Level_Pct", "level", "%", 60, (40, 80), (0, 100), "Discharge chute level", alarm=(None, 90)),
    Sensor("Runtime_Hours", "duration", "h", 6000, (0, 60000), (0, 100000), "Running hours since commissioning"),
    Sensor("Feed_Rate_TPH", "flow", "t/h", 2520, (2415, 2625), (0, 3150), "Material fed, 1.05 times the throughput"),
    Sensor("Motor_Temp_C", "temperature", "Cel", 75, (71, 79), (0, 150), "Drive motor winding temperature", alarm=(None, 95)),
)

_CONVEYOR = (
    Sensor("Speed_M_S", "speed", "m/s", 2.5, (2.4, 2.6), (0, 5), "Belt speed", alarm=(1, 3)),
    Sensor("Load_Pct", "load", "%", 60, (40, 80), (0, 100), "Belt load, of its capacity", alarm=(None, 95)),
    Sensor(
        "Motor_Temp_C",
        "temperature",
        "Cel",
        74,
        (71, 77),
        (0, 150),
        "Drive motor: 65 + 0.15 of the load",
        alarm=(None, 95),
    ),
    Sensor("Belt_Alignment_MM", "displacement", "mm", 0, (-1, 1), (-10, 10), "Sideways drift of the belt", alarm=(-5, 5)),
    _RUN_STATE,
)

_YARD_MACHINE = (
    Sensor("Throughput_TPH", "flow", "t/h", 4000, (3800, 4200), (0, 6000), "Material moved", alarm=(2500, None)),
    Sensor("Slew_Angle_Deg", "angle", "deg", 0, (-110, 110), (-110, 110), "Slew angle of the boom"),
    Sensor("Boom_Angle_Deg", "angle", "deg", 5, (-10, 20), (-10, 20), "Luffing angle of the boom"),
    Sensor("Motor_Current_A", "current", "A", 180, (165, 195), (0, 300), "Drive motor current", alarm=(None, 260)),
    Sensor("Motor_Temperature_C", "temperature", "Cel", 70, (66, 74), (0, 150), "Drive motor temperature", alarm=(None, 95)),
    _RUN_STATE,
)

_SHIP_LOADER = (
    Sensor("Throughput_TPH", "flow", "t/h", 8000, (7600, 8400), (0, 12000), "Material loaded", alarm=(5000, None)),
    Sensor("Boom_Angle_Deg", "angle", "deg", 5, (-10, 20), (-10, 20), "Luffing angle of the boom"),
    Sensor("Motor_Temperature_C", "temperature", "Cel", 70, (66, 74), (0, 150), "Drive motor temperature", alarm=(None, 95)),
    Sensor("Vibration_MM_S", "vibration", "mm/s", 5, (4, 6), (0, 50), "Boom vibration, RMS", alarm=(None, 15)),
    _RUN_STATE,
)

SENSORS: Mapping[EquipmentType, tuple[Sensor, ...]] = {
    EquipmentType.HAUL_TRUCK: _HAUL_TRUCK,
    EquipmentType.CRUSHER: _CRUSHER,
    EquipmentType.CONVEYOR: _CONVEYOR,
    EquipmentType.STACKER: _YARD_MACHINE,
    EquipmentType.RECLAIMER: _YARD_MACHINE,
    EquipmentType.SHIP_LOADER: _SHIP_LOADER,
}

_BY_TYPE_AND_NAME = {(kind, sensor.name): sensor for kind, sensors in SENSORS.items() for sensor in sensors}


def sensor(equipment_type: EquipmentType, name: str) -> Sensor:
    """The sensor of that name on that type of machine. Raises KeyError where the type has none."""
    return _BY_TYPE_AND_NAME[equipment_type, name]
