"""What the tables hold and how fast they got it, for people, in 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from pitlake.cli.durations import brief
from pitlake.lake.commits import Tally
from pitlake.lake.latency import Histogram
from pitlake.lake.status import TableStatus

WHOLE_WAY = "event_to_visible"
STAGES = {
    "event_to_ingestion": "event → broker",
    "ingestion_to_processed": "broker → computed",
    "processed_to_visible": "computed → in Delta",
    WHOLE_WAY: "event → in Delta",
}
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def tables_summary(statuses: Sequence[TableStatus], *, now: datetime) -> Table:
    """One line per table: rows, age of the last commit, and how long a row took from its event into Delta. `now` is UTC."""
    table = _table("table", "rows", "age", *SHARES, names=_names(statuses))
    table.caption = "age: since the last rows; p50, p95, p99: event → in Delta"
    for status in statuses:
        table.add_row(status.name.name, f"{status.rows:,}", brief(_age(status, now)), *_percentiles(status.stages.get(WHOLE_WAY)))
    return table


def stages_summary(statuses: Sequence[TableStatus]) -> Table:
    """Per table one line per stage of its rows' way into Delta; tables without latencies are left out."""
    table = _table("table, stage", "rows", *SHARES, names=_names(statuses))
    for status in statuses:
        measured = [(label, status.stages[stage]) for stage, label in STAGES.items() if stage in status.stages]
        if measured:
            table.add_row(status.name.name)
        for label, latencies in measured:
            table.add_row(f"  {label}", f"{latencies.count:,}", *_percentiles(latencies))
    return table


def quality_summary(statuses: Sequence[TableStatus]) -> Table:
    """Per table one line per expectation: how many rows met it, how many did not; tables without expectations are left out."""
    table = _table("table, expectation", "met", "not met", "rate", names=_names(statuses))
    for status in statuses:
        if status.expectations:
            table.add_row(status.name.name)
        for name, tally in status.expectations.items():
            table.add_row(f"  {name}", f"{tally.passed:,}", f"{tally.failed:,}", _rate(tally))
    return table


def _rate(tally: Tally) -> str:
    """The share of rows that met an expectation, rounded down: 100 % means all."""
    judged = tally.passed + tally.failed
    return f"{10_000 * tally.passed // judged / 100:.2f} %" if judged else "-"


def _percentiles(latencies: Histogram | None) -> list[str]:
    return [brief(latencies.percentile(share) if latencies else None) for share in SHARES.values()]


def _age(status: TableStatus, now: datetime) -> float | None:
    return (now - status.last_commit).total_seconds() if status.last_commit else None


def _table(first: str, *numbers: str, names: Sequence[str]) -> Table:
    """A table without lines; its first column has room for the longest of `names`, however narrow the window is."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, caption_justify="left")
    table.add_column(first, no_wrap=True, min_width=max(map(len, names), default=0))
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _names(statuses: Sequence[TableStatus]) -> list[str]:
    return [status.name.name for status in statuses]
