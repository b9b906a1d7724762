from __future__ import annotations

import pytest

from benchmarks.stages import percentiles
from pitlake.lake.latency import Histogram


def test_percentiles_are_in_milliseconds() -> None:
    found = percentiles(Histogram.of([0.1] * 98 + [2.0] * 2))
    assert found == {
        "p50_ms": pytest.approx(100, rel=0.05),
        "p90_ms": pytest.approx(100, rel=0.05),
        "p99_ms": pytest.approx(2_000, rel=0.05),
        "p999_ms": pytest.approx(2_000, rel=0.05),
    }


def test_an_empty_histogram_has_no_percentiles() -> None:
    assert percentiles(Histogram()) == {}
