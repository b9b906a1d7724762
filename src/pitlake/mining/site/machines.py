"""The fifteen machines: what they are, where they stand, what they can carry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

SITE = "Pitlake Mine"


class EquipmentType(StrEnum):
    """The kinds of machine; what a machine measures follows from its type."""

    HAUL_TRUCK = "HaulTruck"
    CRUSHER = "Crusher"
    CONVEYOR = "Conveyor"
    STACKER = "Stacker"
    RECLAIMER = "Reclaimer"
    SHIP_LOADER = "ShipLoader"


@dataclass(frozen=True)
class Machine:
    """One machine. `max_capacity` is in `capacity_unit` (UCUM): a payload in t, or a flow in t/h."""

    equipment_id: str
    equipment_type: EquipmentType
    manufacturer: str
    model: str
    area: str
    location: str
    criticality: str
    max_capacity: float
    capacity_unit: str
    installation_date: date
    last_maintenance_date: date
    maintenance_interval_days: int


def _truck(number: int, pit: str, installed: date, maintained: date) -> Machine:
    return Machine(
        equipment_id=f"HT_{number:03d}",
        equipment_type=EquipmentType.HAUL_TRUCK,
        manufacturer="Liebherr",
        model="T 264",
        area="Pit",
        location=pit,
        criticality="Medium",
        max_capacity=240.0,
        capacity_unit="t",
        installation_date=installed,
        last_maintenance_date=maintained,
        maintenance_interval_days=60,
    )


def _crusher(number: int, model: str, location: str, criticality: str, maintained: date) -> Machine:
    return Machine(
        equipment_id=f"CR_{number:03d}",
        equipment_type=EquipmentType.CRUSHER,
        manufacturer="Metso",
        model=model,
        area="Crushing",
        location=location,
        criticality=criticality,
        max_capacity=3000.0,
        capacity_unit="t/h",
        installation_date=date(2019, 5, 14),
        last_maintenance_date=maintained,
        maintenance_interval_days=90,
    )


def _conveyor(number: int, criticality: str, capacity: float, maintained: date) -> Machine:
    return Machine(
        equipment_id=f"CV_{number:03d}",
        equipment_type=EquipmentType.CONVEYOR,
        manufacturer="FLSmidth",
        model="Overland belt 1600",
        area="Overland",
        location=f"Overland belt {number}",
        criticality=criticality,
        max_capacity=capacity,
        capacity_unit="t/h",
        installation_date=date(2019, 8, 2),
        last_maintenance_date=maintained,
        maintenance_interval_days=120,
    )


def _yard_machine(
    equipment_id: str, kind: EquipmentType, *, model: str, area: str, location: str, criticality: str, capacity: float
) -> Machine:
    return Machine(
        equipment_id=equipment_id,
        equipment_type=kind,
        manufacturer="thyssenkrupp",
        model=model,
        area=area,
        location=location,
        criticality=criticality,
        max_capacity=capacity,
        capacity_unit="t/h",
        installation_date=date(2020, 2, 17),
        last_maintenance_date=date(2026, 10, 20),
        maintenance_interval_days=180,
    )


MACHINES: tuple[Machine, ...] = (
    _truck(1, "Pit 1", date(2020, 3, 9), date(2026, 10, 12)),
    _truck(2, "Pit 1", date(2020, 3, 16), date(2026, 10, 19)),
    _truck(3, "Pit 1", date(2021, 6, 7), date(2026, 9, 15)),
    _truck(4, "Pit 2", date(2022, 9, 26), date(2026, 10, 26)),
    _truck(5, "Pit 2", date(2022, 10, 3), date(2026, 11, 2)),
    _crusher(1, "Superior MKIII 54-75", "Primary crusher 1", "Critical", date(2026, 10, 6)),
    _crusher(2, "Superior MKIII 54-75", "Primary crusher 2", "Critical", date(2026, 8, 11)),
    _crusher(3, "Nordberg MP2500", "Secondary crusher", "High", date(2026, 10, 13)),
    _conveyor(1, "High", 4000.0, date(2026, 9, 2)),
    _conveyor(2, "High", 4000.0, date(2026, 9, 9)),
    _conveyor(3, "Medium", 4000.0, date(2026, 9, 16)),
    _conveyor(4, "Critical", 7000.0, date(2026, 10, 27)),
    _yard_machine(
        "ST_001",
        EquipmentType.STACKER,
        model="Slewing stacker 6000",
        area="Stockyard",
        location="Stockyard",
        criticality="High",
        capacity=6000.0,
    ),
    _yard_machine(
        "RC_001",
        EquipmentType.RECLAIMER,
        model="Bucket-wheel reclaimer 6000",
        area="Stockyard",
        location="Stockyard",
        criticality="High",
        capacity=6000.0,
    ),
    _yard_machine(
        "SL_001",
        EquipmentType.SHIP_LOADER,
        model="Ship loader 12000",
        area="Port",
        location="Port Terminal 1",
        criticality="Critical",
        capacity=12000.0,
    ),
)

_BY_ID = {machine.equipment_id: machine for machine in MACHINES}


def machine(equipment_id: str) -> Machine:
    """The machine of that id. Raises KeyError for an id that the site does not have."""
    return _BY_ID[equipment_id]
