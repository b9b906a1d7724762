"""Results as small plain data."""

from __future__ import annotations

from typing import Any


def result(contender: str, rate: float, p50: float, p99: float, *, unseen: int = 0, **others: Any) -> dict[str, Any]:
    """What a run of a thousand readings says whose latencies are the same to both sinks."""
    figures = {"readings": 1000, "p50_ms": p50, "p90_ms": p50, "p99_ms": p99, "p999_ms": p99, "max_ms": p99, "unseen": unseen}
    if unseen:
        figures["unseen_from_ms"] = p50 if unseen >= 500 else p99
    cost = {"cores": 0.5, "cpu_seconds_per_million": 4_000.0, "memory_mb": 1_290}
    return {
        "contender": contender,
        "rate": rate,
        "sinks": {"topic": figures, "delta": figures},
        "start_up_seconds": {"topic": 20.0, "delta": 20.5},
        "cost": cost,
        "broker_cost": cost,
        "differing_rows": 0,
        "unfinished_rows": 0,
        **others,
    }


def failed(contender: str, rate: float) -> dict[str, Any]:
    """What a run says that failed."""
    return {"contender": contender, "rate": rate, "error": "it has shown no result"}
