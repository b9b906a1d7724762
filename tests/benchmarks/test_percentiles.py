from __future__ import annotations

import pytest

from benchmarks.percentiles import summary


def test_percentiles_are_of_the_ordered_latencies_in_milliseconds() -> None:
    shuffled = [(number * 7 % 1000) / 1000 for number in range(1000)]
    assert summary(shuffled) == {
        "readings": 1000,
        "p50_ms": 500.0,
        "p90_ms": 900.0,
        "p99_ms": 990.0,
        "p999_ms": 999.0,
        "max_ms": 999.0,
    }


def test_a_single_latency_is_all_percentiles() -> None:
    assert set(summary([0.25]).values()) == {1, 250.0}


def test_no_latencies_have_no_percentiles() -> None:
    with pytest.raises(ValueError, match="no latencies"):
        summary([])
