"""Percentiles of latencies, as every result states them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

SHARES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
FIGURES = (*SHARES, "max_ms")
"""The figures of a summary in rising order."""


def summary(seconds: Iterable[float]) -> dict[str, float]:
    """How many latencies there are, their percentiles and the highest one, in milliseconds. Raises ValueError for none."""
    ordered = sorted(seconds)
    if not ordered:
        raise ValueError("there are no latencies to summarize")
    figures = {name: milliseconds(ordered[_rank(len(ordered), share)]) for name, share in SHARES.items()}
    return {"readings": len(ordered), **figures, "max_ms": milliseconds(ordered[-1])}


def is_bound(figures: Mapping[str, float], name: str) -> bool:
    """Whether a figure of a summary is but a lower bound.

    Readings that were never seen stand in it as if seen at the end of the run, the least late of them by `unseen_from_ms`.
    """
    return figures[name] >= figures.get("unseen_from_ms", math.inf)


def _rank(count: int, share: float) -> int:
    """The index of the value below which `share` (0 to 1) of `count` ordered values lie."""
    return min(count - 1, int(share * count))


def milliseconds(seconds: float) -> float:
    """Seconds in milliseconds, to a tenth."""
    return round(seconds * 1000, 1)
