"""What the tables hold and how fast they got it, for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from pitlake.lake.latency import Histogram
from pitlake.lake.status import TableStatus

STAGES = {
    "event_to_ingestion": "event → broker",
    "ingestion_to_processed": "broker → computed",
    "processed_to_visible": "computed → in Delta",
    "event_to_visible": "event → in Delta",
}
SHARES = (0.5, 0.95, 0.99)


def milliseconds(latencies: Histogram | None) -> str:
    """p50, p95 and p99 in milliseconds, as `12 / 30 / 41`; a hyphen where nothing was measured."""
    if latencies is None or not latencies.count:
        return "-"
    return " / ".join(f"{1000 * (latencies.percentile(share) or 0):,.0f}" for share in SHARES)


def tables_summary(statuses: Sequence[TableStatus], *, now: datetime) -> Table:
    """One line per table: rows, age of the last commit, latency per stage as p50 / p95 / p99 in milliseconds. `now` is UTC."""
    table = Table("table", box=None, pad_edge=False, caption="latencies: p50 / p95 / p99 in ms", caption_justify="left")
    for column in ("rows", "age", *STAGES.values()):
        table.add_column(column, justify="right")
    for status in statuses:
        age = f"{(now - status.last_commit).total_seconds():.1f} s" if status.last_commit else "-"
        stages = (milliseconds(status.stages.get(stage)) for stage in STAGES)
        table.add_row(status.name.name, f"{status.rows:,}", age, *stages)
    return table


def quality_summary(statuses: Sequence[TableStatus]) -> Table:
    """One line per expectation: how many rows met it."""
    table = Table("table", "expectation", box=None, pad_edge=False)
    table.add_column("met", justify="right")
    table.add_column("not met", justify="right")
    for status in statuses:
        for name, tally in status.expectations.items():
            table.add_row(status.name.name, name, f"{tally.passed:,}", f"{tally.failed:,}")
    return table
