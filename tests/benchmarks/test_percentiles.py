from __future__ import annotations

import pytest

from benchmarks.percentiles import FIGURES, is_bound, summary


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


def test_what_may_be_an_unseen_reading_s_latency_is_a_bound() -> None:
    """Also of readings that were seen later than others were not seen: they all rank above what an unseen one may become."""
    figures = {**summary([0.1] * 60 + [0.9] * 30 + [1.5] * 10), "unseen": 30, "unseen_from_ms": 900.0}
    assert [name for name in FIGURES if is_bound(figures, name)] == ["p90_ms", "p99_ms", "p999_ms", "max_ms"]


def test_a_summary_that_tells_of_no_unseen_readings_has_no_bounds() -> None:
    assert not any(is_bound(summary([0.5]), name) for name in FIGURES)
