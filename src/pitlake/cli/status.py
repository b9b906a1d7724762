"""`pitlake status`: how the lake's tables stand, once or again and again, for people and for programs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
from deltalake.exceptions import DeltaError
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from pitlake.cli.settings import Settings
from pitlake.cli.summary import SHARES, quality_summary, stages_summary, tables_summary
from pitlake.errors import LakeError
from pitlake.lake.latency import Histogram
from pitlake.lake.status import TableStatus, lake_status

REFRESH_SECONDS = 2.0


def read_statuses(settings: Settings, *, since: datetime | None = None) -> list[TableStatus]:
    """How the tables stand that a pipeline fills; latencies of the commits after `since` only (UTC).

    Raises LakeError when there is none, or when one is just being made.
    """
    try:
        statuses = lake_status(settings.lake_url, since=since)
    except (DeltaError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise LakeError(f"A table of {settings.lake_url} cannot be read: {reason}", do="Ask again in a moment.") from error
    if not statuses:
        raise LakeError(
            f"No pipeline has made a table in {settings.lake_url} yet.",
            do="Start one (`pitlake demo` has one), or name the home that you mean with --home.",
        )
    return statuses


def watched_statuses(settings: Settings, stop: threading.Event, *, since: datetime | None = None) -> Iterator[list[TableStatus]]:
    """How the tables stand every two seconds until `stop` is set; left out while there are none or they cannot be read."""
    while not stop.is_set():
        try:
            yield read_statuses(settings, since=since)
        except LakeError:
            pass  # the tables may still come
        stop.wait(REFRESH_SECONDS)


def print_status(settings: Settings, *, stages: bool, console: Console) -> None:
    """Print rows, freshness, latencies and expectations of every table. Raises LakeError when there is none."""
    console.print(status_view(read_statuses(settings), stages=stages, now=datetime.now(UTC)))


def watch_status(settings: Settings, *, stages: bool, console: Console) -> None:
    """Show the same every two seconds until Ctrl-C: in place on a terminal, below each other elsewhere."""
    waiting = Text(f"Waiting for tables in {settings.lake_url} …", style="dim")
    with Live(waiting, console=console, auto_refresh=False, screen=False) as live:
        try:
            for statuses in watched_statuses(settings, threading.Event()):
                view = status_view(statuses, stages=stages, now=datetime.now(UTC))
                live.update(view, refresh=True)
                if not console.is_terminal:
                    console.print(view)
        except KeyboardInterrupt:
            return


def status_view(statuses: list[TableStatus], *, stages: bool, now: datetime) -> RenderableType:
    """The tables, their expectations and, when asked for, the stages of their rows' way; `now` is UTC."""
    parts = [tables_summary(statuses, now=now), *([stages_summary(statuses)] if stages else []), quality_summary(statuses)]
    return Group(*itertools.chain.from_iterable((part, "") for part in parts))


def status_as_json(statuses: list[TableStatus], *, now: datetime) -> bytes:
    """The same for programs, on one line: lengths in seconds, shares from 0 to 1, times in UTC, null where nothing is known."""
    return orjson.dumps({"at": now, "tables": [_table(status, now) for status in statuses]}, option=orjson.OPT_UTC_Z)


def _table(status: TableStatus, now: datetime) -> dict[str, Any]:
    return {
        "name": str(status.name),
        "rows": status.rows,
        "last_commit": status.last_commit,
        "age_seconds": (now - status.last_commit).total_seconds() if status.last_commit else None,
        "latency_seconds": {stage: _percentiles(latencies) for stage, latencies in status.stages.items()},
        "expectations": {
            name: {"passed": tally.passed, "failed": tally.failed, "pass_rate": _share(tally.passed, tally.failed)}
            for name, tally in status.expectations.items()
        },
    }


def _percentiles(latencies: Histogram) -> dict[str, float | int | None]:
    return {"rows": latencies.count, **{name: latencies.percentile(share) for name, share in SHARES.items()}}


def _share(passed: int, failed: int) -> float | None:
    return passed / (passed + failed) if passed + failed else None
