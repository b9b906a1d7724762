"""The mine running under one's eyes: what happens to its processes, its tables as they fill, and a summary at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deltalake.exceptions import DeltaError
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pitlake.cli.files import check_writable
from pitlake.cli.recording import Recording
from pitlake.cli.settings import Settings
from pitlake.cli.status import REFRESH_SECONDS, present_statuses
from pitlake.cli.summary import quality_summary, tables_summary
from pitlake.cli.system import System, running_mine
from pitlake.lake.names import TableName
from pitlake.lake.status import table_status
from pitlake.local.supervision import Change, Event, termination_as_exit

GOLD = "equipment_performance_1min"
# Latencies of the first minute are those of a JVM that warms up; a longer run's summary leaves them out.
WARM_UP = timedelta(minutes=1)
DRAIN_SECONDS = 20.0
# How often the first gold row is looked for: its time is a promise.
IMPATIENT_SECONDS = 0.25


def watch_mine(
    settings: Settings,
    begin: Callable[[System], None] = lambda _: None,
    *,
    seconds: float | None = None,
    report: Path | None = None,
) -> None:
    """Run the mine until Ctrl-C, or for `seconds` and until its tables have come to rest; then print what they hold.

    `begin` is called when everything is ready; the run is told in the file `report` where one is named. Progress is told on
    standard error. Raises EnvironmentProblem, ConfigurationError and ProcessError.
    """
    check_writable(report)
    console = Console(stderr=True)
    began = time.monotonic()
    with termination_as_exit(), running_mine(settings, _told(console, began), console.print) as system:
        ready_at = datetime.now(UTC)
        recording = Recording(settings, ready_at) if report else None
        try:
            begin(system)
            with recording or nullcontext():
                _watch(system, console, began, seconds)
        except KeyboardInterrupt:
            console.print("Stopping.")
        _print_summary(settings, ready_at)
        if recording:
            recording.close(measured_from(ready_at, datetime.now(UTC)))
    if report and recording:
        recording.write(report)
        console.print(f"The run is told in {report}.")
    console.print(f"Ended. The tables stay in {settings.lake_url}; ask them with `pitlake sql`.")


def _told(console: Console, began: float) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        style = {Change.READY: "green", Change.DIED: "red"}.get(event.change, "dim")
        detail = f" ({event.detail})" if event.detail else ""
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {event.part} [{style}]{event.change}[/{style}]{detail}")

    return tell


def _watch(system: System, console: Console, began: float, seconds: float | None) -> None:
    """Keep the system running, and draw its tables, until the time is over."""
    stop = threading.Event()
    with _beside(lambda: _draw(system.settings, console, began, stop), stop):
        if seconds is None:
            system.supervisor.watch(stop)
            return
        with _beside(lambda: _stop_at_rest(system.settings, time.monotonic() + seconds, stop), stop):
            system.supervisor.watch(stop)


@contextmanager
def _beside(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    """Do some work in a thread while the block lasts, which ends by setting `stop`."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _stop_at_rest(settings: Settings, deadline: float, stop: threading.Event) -> None:
    """Set `stop` when the time is over and the tables' rows no longer grow, or grow for too long."""
    stop.wait(max(0.0, deadline - time.monotonic()))
    rows, last_deadline = -1, time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < last_deadline and not stop.wait(REFRESH_SECONDS):
        last_rows, rows = rows, sum(status.rows for status in present_statuses(settings))
        if rows == last_rows:
            break
    stop.set()


def _draw(settings: Settings, console: Console, began: float, stop: threading.Event) -> None:
    """Say when the first gold row is there, then, on a terminal, draw the tables as they fill."""
    while not _has_gold(settings):
        if stop.wait(IMPATIENT_SECONDS):
            return
    console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  first row in {GOLD} [green]visible[/green]")
    if not console.is_terminal:
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stop.wait(REFRESH_SECONDS):
            hint = Text("Ctrl-C ends all of it", style="dim")
            live.update(Group(tables_summary(present_statuses(settings), now=datetime.now(UTC)), hint), refresh=True)


def _has_gold(settings: Settings) -> bool:
    try:
        status = table_status(settings.lake_url, TableName(settings.catalog, settings.schema_, GOLD))
    except (DeltaError, OSError):
        return False
    return status is not None and status.rows > 0


def measured_from(ready_at: datetime, now: datetime) -> datetime:
    """From when on the latencies of a run count, as far as it has come: a longer one's without those of its warming up."""
    return ready_at + WARM_UP if now - ready_at > 2 * WARM_UP else ready_at


def _print_summary(settings: Settings, ready_at: datetime) -> None:
    """Print on standard output what the tables hold, and their latencies in this run."""
    console = Console()
    now = datetime.now(UTC)
    since = measured_from(ready_at, now)
    is_warm = since > ready_at
    statuses = present_statuses(settings, since=since)
    console.print(f"\nTables, with the latencies of this run{' after its first minute' if is_warm else ''}:\n")
    console.print(Group(tables_summary(statuses, now=now), "", quality_summary(statuses), ""))
