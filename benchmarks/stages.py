"""How late rows were at each stage of their way into the tables, as pitlake's writer notes it in its commits.

They count stored rows, the newest one per key and commit, and not readings: of two readings that came into one commit for the
same row, only the later one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from benchmarks.percentiles import SHARES
from pitlake.lake.history import WatchedHistory
from pitlake.lake.latency import Histogram

Stages = Mapping[str, Mapping[str, Histogram]]
"""Per table and stage the latencies of its rows."""


class StageWatch:
    """Gathers the stages of a lake's tables from a thread while its block lasts, as their logs forget them after two minutes.

    Of the rows committed after `since` (UTC), which may be yet to come.
    """

    def __init__(self, lake: str, since: datetime) -> None:
        self._history, self._since = WatchedHistory(lake, since), since

    def stages(self) -> Stages:
        """What was gathered, once the block is over."""
        return {name.name: self._history.stages(name, self._since) for name in self._history.tables}

    def __enter__(self) -> Self:
        self._history.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._history.__exit__(kind, error, trace)


def stage_percentiles(stages: Stages) -> dict[str, dict[str, dict[str, float]]]:
    """Per table and stage the percentiles in milliseconds, each to within five per cent."""
    return {table: {stage: percentiles(latencies) for stage, latencies in of.items()} for table, of in stages.items()}


def percentiles(latencies: Histogram) -> dict[str, float]:
    """The percentiles of a histogram in milliseconds; none of an empty one."""
    found = {name: latencies.percentile(share) for name, share in SHARES.items()}
    return {name: round(seconds * 1000, 1) for name, seconds in found.items() if seconds is not None}
