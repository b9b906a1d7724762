"""Percentiles of latencies, as every result states them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SHARES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
FIGURES = (*SHARES, "max_ms")
"""The figures of a summary in rising order."""


def summary(seconds: Iterable[float]) -> dict[str, float]:
    """How many latencies there are, their percentiles and the highest one, in milliseconds. Raises ValueError for none."""
    ordered = sorted(seconds)
    if not ordered:
        raise ValueError("there are no latencies to summarize")
    figures = {name: _milliseconds(ordered[_rank(len(ordered), share)]) for name, share in SHARES.items()}
    return {"readings": len(ordered), **figures, "max_ms": _milliseconds(ordered[-1])}


def is_bound(figures: Mapping[str, float], name: str) -> bool:
    """Whether a figure of a summary is but a lower bound: its rank lies among the readings that were never seen.

    Those are the summary's `unseen`, and stand in it as if seen at the end of the run. A summary without the key has none.
    """
    readings, unseen = figures["readings"], figures.get("unseen", 0)
    return _rank(int(readings), SHARES.get(name, 1.0)) >= readings - unseen


def _rank(count: int, share: float) -> int:
    """The index of the value below which `share` (0 to 1) of `count` ordered values lie."""
    return min(count - 1, int(share * count))


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
