"""`pitlake status`: how the lake's tables stand, once or again and again, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import typer
from deltalake.exceptions import DeltaError
from rich.console import Console, Group, RenderableType
from rich.live import Live

from pitlake.cli.parts import stop_on_signal
from pitlake.cli.settings import Settings
from pitlake.cli.summary import SHARES, quality_summary, stages_summary, tables_summary
from pitlake.errors import LakeError
from pitlake.lake.latency import Histogram
from pitlake.lake.status import LakeStatus, TableStatus

REFRESH_SECONDS = 2.0


def read_statuses(lake: LakeStatus, *, since: datetime | None = None) -> list[TableStatus]:
    """How the tables of a lake stand that a pipeline fills; latencies of the commits after `since` only (UTC).

    Raises LakeError when there is none, or when one cannot be read, as for the moment in which it is made.
    """
    try:
        statuses = lake.read(since=since)
    except (DeltaError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise LakeError(f"A table of {lake.url} cannot be read: {reason}", do="Ask again in a moment.") from error
    if not statuses:
        raise LakeError(
            f"No pipeline has made a table in {lake.url} yet.",
            do="Start one (`pitlake demo` has one), or name the home that you mean with --home.",
        )
    return statuses


def present_statuses(lake: LakeStatus, *, since: datetime | None = None) -> list[TableStatus]:
    """The same for who looks again soon: empty when there is no table, or when one cannot be read."""
    try:
        return read_statuses(lake, since=since)
    except LakeError:
        return []


@contextmanager
def display(*, stages: bool, as_json: bool, in_place: bool) -> Iterator[Callable[[list[TableStatus]], None]]:
    """What prints statuses on standard output while the block lasts: below each other, or `in_place` where it is a terminal."""
    console = Console()
    if as_json:
        yield lambda statuses: typer.echo(status_as_json(statuses, now=datetime.now(UTC)))
    elif in_place and console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda statuses: live.update(status_view(statuses, stages=stages, now=datetime.now(UTC)), refresh=True)
    else:
        yield lambda statuses: console.print(status_view(statuses, stages=stages, now=datetime.now(UTC)))


def run_status(settings: Settings, *, stages: bool, as_json: bool, watch: bool) -> None:
    """Print how the tables stand; with `watch`, again every two seconds until Ctrl-C.

    Raises LakeError when there is no table and nobody watches for one.
    """
    lake = LakeStatus(settings.lake_url)
    with display(stages=stages, as_json=as_json, in_place=watch) as show:
        if not watch:
            show(read_statuses(lake))
            return
        # An interrupt that is an exception is lost where it meets a destructor.
        with stop_on_signal() as stop:
            show(present_statuses(lake))
            while not stop.wait(REFRESH_SECONDS):
                show(present_statuses(lake))


def status_view(statuses: list[TableStatus], *, stages: bool, now: datetime) -> RenderableType:
    """The tables, the stages of their rows' way when asked for, and the expectations; `now` is UTC."""
    way = (stages_summary(statuses), "") if stages else ()
    return Group(tables_summary(statuses, now=now), "", *way, quality_summary(statuses))


def status_as_json(statuses: list[TableStatus], *, now: datetime) -> str:
    """The same for programs, on one line: lengths in seconds, shares from 0 to 1, times in UTC, null where nothing is known."""
    return orjson.dumps({"at": now, "tables": [_table(status, now) for status in statuses]}, option=orjson.OPT_UTC_Z).decode()


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
