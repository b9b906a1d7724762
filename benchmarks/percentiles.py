"""Percentiles of latencies, as every result states them."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.freshness import percentile

SHARES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}


def summary(seconds: Iterable[float]) -> dict[str, float]:
    """How many latencies there are, their percentiles and the highest one, in milliseconds. Raises ValueError for none."""
    ordered = sorted(seconds)
    if not ordered:
        raise ValueError("there are no latencies to summarize")
    figures = {name: _milliseconds(percentile(ordered, share)) for name, share in SHARES.items()}
    return {"readings": len(ordered), **figures, "max_ms": _milliseconds(ordered[-1])}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
