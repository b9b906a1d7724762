"""How each type of machine behaves while nothing is wrong with it."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Protocol

from pitlake.mining.simulator.noise import MeanReverting
from pitlake.mining.site import SHIFTS, UTC_OFFSET, EquipmentType, Machine, sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pitlake.mining.simulator.messages import Value

TICK_SECONDS = 0.5
"""Every machine is looked at this often."""

FEED_PER_THROUGHPUT = 1.05
CYCLE_SECONDS = 1380
_LOADED_AT, _AT_CRUSHER, _EMPTIED_AT = 300, 780, 960
_BUCKET_SECONDS = 60
_FUEL_PER_SECOND = {"loading": 0.0005, "hauling_loaded": 0.004, "dumping": 0.0005, "returning_empty": 0.002, "stopped": -0.25}
_REFUEL_BELOW, _REFUEL_UNTIL = 20.0, 98.0
_CRUSHER_AT = (-31.95, 115.86)
_PITS_AT = {"Pit 1": (-31.968, 115.842), "Pit 2": (-31.972, 115.874)}


class Model(Protocol):
    """A machine that can be asked for its tags, once a tick; the answers depend on its seed and on the times asked for alone."""

    machine: Machine

    def tags(self, moment: datetime) -> Mapping[str, Value]:
        """All tags at `moment`, UTC, one tick after the last."""


class _Walks:
    """The tags of a machine that are nothing but noise around their nominal values."""

    def __init__(self, machine: Machine, rng: Random, *names: str) -> None:
        self._walks = {name: MeanReverting.of(sensor(machine.equipment_type, name), rng) for name in names}

    def step(self) -> dict[str, Value]:
        return {name: walk.step() for name, walk in self._walks.items()}


class _Hours:
    """An hour meter that has been running for years."""

    def __init__(self, rng: Random) -> None:
        self._hours = rng.uniform(2000, 8000)

    def step(self, seconds: float = TICK_SECONDS) -> float:
        self._hours += seconds / 3600
        return round(self._hours, 2)


class Crusher:
    """Runs all the time; what it is fed follows its throughput."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self.machine = machine
        self._hours = _Hours(rng)
        self._walks = _Walks(
            machine,
            rng,
            "Throughput_TPH",
            "Vibration_MM_S",
            "Motor_Current_A",
            "Belt_Speed_M_S",
            "Chute_Level_Pct",
            "Motor_Temp_C",
        )

    def tags(self, moment: datetime) -> Mapping[str, Value]:  # noqa: ARG002
        """See Model."""
        walks = self._walks.step()
        feed = feed_rate(float(walks["Throughput_TPH"]))
        return {"Status": "RUNNING", **walks, "Feed_Rate_TPH": feed, "Runtime_Hours": self._hours.step()}


def feed_rate(throughput: float) -> float:
    """What a crusher is fed, t/h."""
    return round(FEED_PER_THROUGHPUT * throughput, 2)


class Conveyor:
    """Runs all the time; its motor warms with its load."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self.machine = machine
        self._walks = _Walks(machine, rng, "Speed_M_S", "Load_Pct", "Belt_Alignment_MM")

    def tags(self, moment: datetime) -> Mapping[str, Value]:  # noqa: ARG002
        """See Model."""
        walks = self._walks.step()
        return {"Status": "RUNNING", **walks, "Motor_Temp_C": round(65 + 0.15 * float(walks["Load_Pct"]), 3)}


class _Swing:
    """An angle that swings slowly and evenly."""

    def __init__(self, rng: Random, middle: float, reach: float, period_seconds: float) -> None:
        self._middle, self._reach, self._period = middle, reach, period_seconds
        self._seconds = rng.uniform(0, period_seconds)

    def step(self) -> float:
        self._seconds += TICK_SECONDS
        return round(self._middle + self._reach * math.sin(2 * math.pi * self._seconds / self._period), 1)


class YardMachine:
    """Stacker and reclaimer: the boom slews along the pile and rises and falls with it."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self.machine = machine
        self._walks = _Walks(machine, rng, "Throughput_TPH", "Motor_Current_A", "Motor_Temperature_C")
        self._slew = _Swing(rng, 0, 90, 900)
        self._boom = _Swing(rng, 5, 8, 1800)

    def tags(self, moment: datetime) -> Mapping[str, Value]:  # noqa: ARG002
        """See Model."""
        angles = {"Slew_Angle_Deg": self._slew.step(), "Boom_Angle_Deg": self._boom.step()}
        return {"Status": "RUNNING", **self._walks.step(), **angles}


class ShipLoader:
    """Loads ships; the boom follows the hull and the tide."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self.machine = machine
        self._walks = _Walks(machine, rng, "Throughput_TPH", "Motor_Temperature_C", "Vibration_MM_S")
        self._boom = _Swing(rng, 5, 10, 2400)

    def tags(self, moment: datetime) -> Mapping[str, Value]:  # noqa: ARG002
        """See Model."""
        return {"Status": "RUNNING", **self._walks.step(), "Boom_Angle_Deg": self._boom.step()}


def phase(second: int) -> str:
    """What a truck does in that second of its cycle."""
    if second < _LOADED_AT:
        return "loading"
    if second < _AT_CRUSHER:
        return "hauling_loaded"
    return "dumping" if second < _EMPTIED_AT else "returning_empty"


def load(second: int, payload: float) -> float:
    """What a truck carries in that second of its cycle, t: it is filled bucket by bucket and emptied evenly."""
    match phase(second):
        case "loading":
            return round(payload * (second // _BUCKET_SECONDS) * _BUCKET_SECONDS / _LOADED_AT, 1)
        case "hauling_loaded":
            return payload
        case "dumping":
            return round(payload * (_EMPTIED_AT - second) / (_EMPTIED_AT - _AT_CRUSHER), 1)
        case _:
            return 0.0


def way(second: int) -> float:
    """Where a truck is between the pit (0) and the crusher (1) in that second of its cycle."""
    match phase(second):
        case "loading":
            return 0.0
        case "hauling_loaded":
            return (second - _LOADED_AT) / (_AT_CRUSHER - _LOADED_AT)
        case "dumping":
            return 1.0
        case _:
            return 1 - (second - _EMPTIED_AT) / (CYCLE_SECONDS - _EMPTIED_AT)


class HaulTruck:
    """Goes through its cycle once in 1,380 s, at 1 Hz; between two cycles it fills its tank when that is nearly empty."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self.machine = machine
        self._rng = rng
        self._hours = _Hours(rng)
        self._walks = _Walks(machine, rng, "Engine_Temp_C", "Vibration_MM_S", *_TIRES)
        self._speeds = {
            "hauling_loaded": MeanReverting(rng, 27.5, 25, 30, 1),
            "returning_empty": MeanReverting(rng, 50, 45, 55, 1),
        }
        self._pit = _PITS_AT[machine.location]
        self._second = rng.randrange(CYCLE_SECONDS)
        self._fuel = rng.uniform(30, 95)
        self._payload = self._next_payload()
        self._refuelling = False
        self._latest: Mapping[str, Value] = {}
        self._is_new_second = True

    def tags(self, moment: datetime) -> Mapping[str, Value]:
        """See Model."""
        if self._is_new_second:
            self._latest = self._measure(moment)
            self._advance()
        self._is_new_second = not self._is_new_second
        return self._latest

    def _measure(self, moment: datetime) -> Mapping[str, Value]:
        state = self._state()
        speed = self._speeds[state].step() if state in self._speeds else 0.0
        latitude, longitude = (round(p + way(self._second) * (c - p), 6) for p, c in zip(self._pit, _CRUSHER_AT, strict=True))
        return {
            "Location_Lat": latitude,
            "Location_Lon": longitude,
            "Speed_KPH": speed,
            "Load_Tonnes": load(self._second, self._payload),
            "Fuel_Level_Pct": round(self._fuel, 1),
            **self._walks.step(),
            "Operator_ID": f"OP_{self.machine.equipment_id[-1]}{_crew(moment)}",
            "Cycle_State": state,
            "Cycle_Time_Sec": self._second,
            "Hours_Operated": self._hours.step(1.0),
        }

    def _state(self) -> str:
        return "stopped" if self._refuelling else phase(self._second)

    def _advance(self) -> None:
        self._fuel = min(100.0, self._fuel - _FUEL_PER_SECOND[self._state()])
        if self._refuelling:
            self._refuelling = self._fuel < _REFUEL_UNTIL
            return
        self._second = (self._second + 1) % CYCLE_SECONDS
        if self._second == 0:
            self._payload = self._next_payload()
            self._refuelling = self._fuel < _REFUEL_BELOW

    def _next_payload(self) -> float:
        return round(min(self.machine.max_capacity, max(200.0, self._rng.gauss(225, 5))), 1)


_TIRES = tuple(f"Tire_Pressure_{corner}_PSI" for corner in ("FL", "FR", "RL", "RR"))


def _crew(moment: datetime) -> int:
    """Which of the three crews sits in the machines: they change with the shift."""
    hours = ((moment + UTC_OFFSET).hour - SHIFTS[0].start_time.hour) % 24
    return hours * len(SHIFTS) // 24 + 1


_MODELS: Mapping[EquipmentType, Callable[[Machine, Random], Model]] = {
    EquipmentType.HAUL_TRUCK: HaulTruck,
    EquipmentType.CRUSHER: Crusher,
    EquipmentType.CONVEYOR: Conveyor,
    EquipmentType.STACKER: YardMachine,
    EquipmentType.RECLAIMER: YardMachine,
    EquipmentType.SHIP_LOADER: ShipLoader,
}


def model_of(machine: Machine, seed: int) -> Model:
    """The machine, alive. Its randomness is its own: what other machines do never changes it."""
    return _MODELS[machine.equipment_type](machine, Random(f"{seed}/{machine.equipment_id}"))  # noqa: S311
