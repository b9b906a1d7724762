from __future__ import annotations

from benchmarks.compare import schedule


def test_contenders_take_turns_and_rates_rise() -> None:
    runs = list(schedule(["a", "b"], [1_000, 120], 2))
    assert runs == [
        *((1, 120, "b"), (1, 120, "a"), (1, 1_000, "b"), (1, 1_000, "a")),
        *((2, 120, "a"), (2, 120, "b"), (2, 1_000, "a"), (2, 1_000, "b")),
    ]
