"""How far a table has come: the totals that the writer keeps in its commits, and what they gained since they were last told."""

from __future__ import annotations

from deltalake import DeltaTable
from pydantic import BaseModel, ConfigDict

from pitlake.lake.commits import Tally, Totals, merged, newest_note
from pitlake.lake.names import TableName
from pitlake.lake.spec import QUARANTINE_SUFFIX, TableSpec


class Progress(BaseModel):
    """Rows stored in a table, rows dropped into its quarantine, and how many of both met each expectation."""

    model_config = ConfigDict(frozen=True)

    rows: int = 0
    dropped: int = 0
    expectations: dict[str, Tally] = {}


def progress_of(table: Totals, quarantine: Totals) -> Progress:
    """The progress of a table and its quarantine together: a dropped row was judged by every expectation too."""
    judged = merged(table.expectations, quarantine.expectations)
    return Progress(rows=table.rows, dropped=quarantine.rows, expectations=judged)


def growth(before: Progress, after: Progress) -> Progress:
    """What was gained between the two. Totals that have fallen are those of a table made anew, whose gain is all that it has."""
    if after.rows < before.rows or after.dropped < before.dropped:
        return after
    gained = {name: _gained(before.expectations.get(name, Tally()), tally) for name, tally in after.expectations.items()}
    return Progress(rows=after.rows - before.rows, dropped=after.dropped - before.dropped, expectations=gained)


def stored_progress(lake: str, spec: TableSpec) -> Progress:
    """What the newest commits of a table and of its quarantine tell; nothing of a table that does not exist yet."""
    quarantine = TableName.parse(spec.name + QUARANTINE_SUFFIX).path(lake)
    return progress_of(_totals(spec.path(lake)), _totals(quarantine))


def _gained(before: Tally, after: Tally) -> Tally:
    return Tally(passed=max(0, after.passed - before.passed), failed=max(0, after.failed - before.failed))


def _totals(path: str) -> Totals:
    note = newest_note(DeltaTable(path)) if DeltaTable.is_deltatable(path) else None
    return note.totals if note else Totals()
