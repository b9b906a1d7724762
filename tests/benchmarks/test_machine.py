"""What the figures' machine is, and how fast."""

from __future__ import annotations

import itertools

import pytest

from benchmarks import machine
from benchmarks.machine import cpu_model, steps_per_second


def test_the_processor_is_told_by_its_name() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Xeon: fast\nmodel name\t: other\n") == "Xeon: fast"


def test_the_machine_is_as_fast_as_a_loop_makes_steps_in_a_second() -> None:
    reads = itertools.count()
    assert steps_per_second(2.0, clock=lambda: next(reads) / 100) == pytest.approx(100)
    assert next(reads) == 201


def test_a_machine_is_told_with_its_speed_in_millions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "steps_per_second", lambda _: 2.5e6)
    told = machine.machine()
    assert told["million_steps_per_second"] == 2.5
    assert told["cores"] >= 1
