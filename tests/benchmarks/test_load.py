from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from benchmarks.load import TICK, Load, one_round
from pitlake.mining.simulator.gateways import GATEWAYS, MAX_UPDATES
from pitlake.mining.site import MACHINES, SENSORS

START = datetime(2026, 2, 15, 4, 12, tzinfo=UTC)
SECONDS = 10.0


@pytest.mark.parametrize("rate", [120, 1_000, 10_000])
def test_the_load_has_its_rate(rate: float) -> None:
    sent = sum(len(message.readings) for message in Load(rate, START, SECONDS).messages())
    assert sent == pytest.approx(rate * SECONDS, rel=0.02)


def test_a_message_is_stamped_with_the_moment_at_which_it_is_due() -> None:
    for message in Load(1_000, START, SECONDS).messages():
        assert {reading.event_timestamp for reading in message.readings} == {message.sent_at}


def test_messages_are_due_in_order_a_tick_apart_and_none_after_the_end() -> None:
    load = Load(1_000, START, SECONDS)
    due = [message.sent_at for message in load.messages()]
    assert due == sorted(due)
    assert {later - earlier for earlier, later in pairwise(due)} == {timedelta(0), TICK}
    assert due[-1] == load.end


def test_a_load_can_be_computed_again() -> None:
    first, second = (list(Load(1_000, START, 1.0).messages()) for _ in range(2))
    assert first == second


def test_a_gateway_sends_only_its_own_machines_and_no_batch_larger_than_the_sites() -> None:
    machines = {gateway.source: set(gateway.machines) for gateway in GATEWAYS}
    for message in Load(20_000, START, 1.0).messages():
        assert {reading.equipment_id for reading in message.readings} <= machines[message.source]
        assert message.value.count(b'"equipment_id"') <= MAX_UPDATES


def test_one_round_reports_every_sensor_once() -> None:
    seen = Counter((reading.equipment_id, reading.sensor_name) for m in one_round(START).messages() for reading in m.readings)
    sensors = {(machine.equipment_id, sensor.name) for machine in MACHINES for sensor in SENSORS[machine.equipment_type]}
    assert seen == Counter(dict.fromkeys(sensors, 1))


def test_a_sensor_does_not_repeat_a_number() -> None:
    values = [
        reading.value
        for message in Load(120, START, SECONDS).messages()
        for reading in message.readings
        if (reading.equipment_id, reading.sensor_name) == ("CR_002", "Vibration_MM_S")
    ]
    assert len(set(values)) == len(values)
