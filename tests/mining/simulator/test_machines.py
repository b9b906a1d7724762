from __future__ import annotations

from datetime import timedelta

import pytest

from pitlake.mining.simulator.machines import CYCLE_SECONDS, load, model_of, phase, way
from pitlake.mining.site import machine

TICK = timedelta(seconds=0.5)


def series(equipment_id: str, start, ticks: int):
    model = model_of(machine(equipment_id), seed=1)
    return [model.tags(start + n * TICK) for n in range(ticks)]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (0, "loading"),
        (299, "loading"),
        (300, "hauling_loaded"),
        (780, "dumping"),
        (960, "returning_empty"),
        (1379, "returning_empty"),
    ],
)
def test_a_truck_goes_through_its_phases(second, expected):
    assert phase(second) == expected


def test_a_truck_is_filled_hauls_and_is_emptied():
    loads = [load(second, 225.0) for second in (0, 60, 299, 300, 779, 780, 870, 960, 1379)]
    assert loads == [0.0, 45.0, 180.0, 225.0, 225.0, 225.0, 112.5, 0.0, 0.0]


def test_a_truck_comes_back_to_where_it_began():
    assert (way(0), way(780), way(960)) == (0.0, 1.0, 1.0)
    assert way(CYCLE_SECONDS - 1) == pytest.approx(0, abs=0.01)


def test_a_truck_measures_once_a_second(start):
    tags = series("HT_001", start, 100)
    assert all(tags[n] is tags[n + 1] for n in range(0, 100, 2))
    assert len({t["Cycle_Time_Sec"] for t in tags}) == 50


@pytest.mark.parametrize(
    ("state", "low", "high"), [("loading", 0, 0), ("hauling_loaded", 25, 30), ("dumping", 0, 0), ("returning_empty", 45, 55)]
)
def test_a_trucks_speed_fits_its_phase(start, state, low, high):
    speeds = [t["Speed_KPH"] for t in series("HT_001", start, 2 * CYCLE_SECONDS) if t["Cycle_State"] == state]
    assert low <= min(speeds) <= max(speeds) <= high


def test_a_truck_refuels_when_its_tank_is_nearly_empty(start):
    levels = [t["Fuel_Level_Pct"] for t in series("HT_004", start, 2 * 60 * 60 * 14)]
    states = {t["Cycle_State"] for t in series("HT_004", start, 2 * 60 * 60 * 14)}
    assert 10 < min(levels) < 20
    assert max(levels) >= 98
    assert "stopped" in states


def test_a_crusher_is_fed_1_05_times_its_throughput(start):
    for tags in series("CR_001", start, 500):
        assert tags["Feed_Rate_TPH"] == pytest.approx(1.05 * tags["Throughput_TPH"], abs=0.01)


def test_a_conveyors_motor_warms_with_its_load(start):
    for tags in series("CV_001", start, 500):
        assert tags["Motor_Temp_C"] == pytest.approx(65 + 0.15 * tags["Load_Pct"], abs=0.001)


def test_values_fill_their_normal_range(start):
    vibration = [tags["Vibration_MM_S"] for tags in series("CR_001", start, 5000)]
    assert min(vibration) < 19
    assert max(vibration) > 21


def test_what_a_machine_is_simulated_at_fits_its_capacity(start):
    for tags in series("SL_001", start, 500):
        assert tags["Throughput_TPH"] <= machine("SL_001").max_capacity
    for tags in series("HT_005", start, 2 * CYCLE_SECONDS):
        assert tags["Load_Tonnes"] <= machine("HT_005").max_capacity


def test_the_crew_changes_with_the_shift(start):
    before_shift_change = start + timedelta(hours=1, minutes=59, seconds=59)
    operators = [tags["Operator_ID"] for tags in series("HT_001", before_shift_change, 4)]
    assert operators[0] != operators[-1]
