"""How late rows were at each stage of their way into the tables, as pitlake's writer notes it in its commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from benchmarks.percentiles import SHARES
from pitlake.lake.latency import Histogram
from pitlake.lake.status import LakeStatus

Stages = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Per table and stage the percentiles in milliseconds, each to within five per cent."""


def stage_latencies(lake: str, since: datetime) -> Stages:
    """The stages of every table that the writer keeps, over the rows committed after `since` (UTC)."""
    return {
        status.name.name: {stage: percentiles(latencies) for stage, latencies in status.stages.items()}
        for status in LakeStatus(lake).read(since=since)
        if status.stages
    }


def percentiles(latencies: Histogram) -> dict[str, float]:
    """The percentiles of a histogram in milliseconds; none of an empty one."""
    found = {name: latencies.percentile(share) for name, share in SHARES.items()}
    return {name: round(seconds * 1000, 1) for name, seconds in found.items() if seconds is not None}
