"""What a report tells of a run, gathered while the mine runs and before its queries' minutes are over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from pitlake.cli.alarms import alarm_score
from pitlake.cli.ask import Checked, run_check
from pitlake.cli.files import write_text
from pitlake.cli.graph import graph_as_svg
from pitlake.cli.lineage import told_graph
from pitlake.cli.parts import LANDING
from pitlake.cli.report import Report, report_as_html
from pitlake.cli.settings import Settings
from pitlake.cli.status import present_statuses
from pitlake.cli.system import MINING_PIPELINE
from pitlake.errors import LakeError
from pitlake.lake.history import WatchedHistory
from pitlake.lake.status import LakeStatus, TableStatus
from pitlake.mining.scoring import Score


@dataclass(frozen=True)
class _Found:
    """What the lake said at the end of a run."""

    ended: datetime
    measured_from: datetime
    checks: list[Checked]
    statuses: list[TableStatus]
    alarms: Score | None


class Recording:
    """Gathers latencies in a thread while its block lasts; `close` asks the lake for the rest, `write` makes the report."""

    def __init__(self, settings: Settings, began: datetime) -> None:
        self._settings, self._began = settings, began
        self._history = WatchedHistory(settings.lake_url, began)
        self._found: _Found | None = None

    def __enter__(self) -> None:
        self._history.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._history.__exit__(kind, error, trace)

    def close(self, measured_from: datetime) -> None:
        """Take in what the lake says now; the numbers will be of latencies since `measured_from` (UTC)."""
        self._history.look_again()
        try:
            checks = run_check(self._settings)
        except LakeError:
            checks = []
        statuses = present_statuses(LakeStatus(self._settings.lake_url))
        self._found = _Found(datetime.now(UTC), measured_from, checks, statuses, alarm_score(self._settings))

    def write(self, file: Path) -> None:
        """Write the report of what `close` has found."""
        found = self._found
        assert found is not None  # noqa: S101 - closed before
        graph = told_graph(self._settings, MINING_PIPELINE, {LANDING.name})
        # A table of one stage alone, such as the event log's, says nothing of where the time goes.
        tables = {name.name: name for name, stages in sorted(self._history.tables.items()) if len(stages) > 1}
        report = Report(
            began=self._began,
            ended=found.ended,
            measured_from=found.measured_from,
            mode=self._settings.mode,
            checks=found.checks,
            statuses=found.statuses,
            stages={bare: self._history.stages(name, found.measured_from) for bare, name in tables.items()},
            spans={bare: self._history.tables[name] for bare, name in tables.items()},
            alarms=found.alarms,
            graph=graph_as_svg(graph) if graph else None,
        )
        write_text(file, report_as_html(report))
