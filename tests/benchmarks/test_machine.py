"""What the figures' machine is, and how fast."""

from __future__ import annotations

import itertools

import pytest

from benchmarks.machine import cpu_model, steps_per_second


def test_the_processor_is_told_by_its_name() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Xeon: fast\nmodel name\t: other\n") == "Xeon: fast"


def test_the_machine_is_as_fast_as_a_loop_makes_steps_in_a_second() -> None:
    reads = itertools.count()
    assert steps_per_second(2.0, clock=lambda: next(reads) / 100) == pytest.approx(100)
