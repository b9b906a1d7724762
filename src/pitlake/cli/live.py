"""The mine running under one's eyes: what happens to its processes, its tables as they fill, and a summary at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake.exceptions import DeltaError
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from pitlake.cli.files import check_writable
from pitlake.cli.settings import Settings
from pitlake.cli.status import REFRESH_SECONDS, present_statuses
from pitlake.cli.summary import quality_summary, tables_summary
from pitlake.cli.system import System, running_mine
from pitlake.lake.following import Arrivals
from pitlake.lake.names import TableName
from pitlake.lake.status import LakeStatus, TableStatus
from pitlake.local.supervision import Change, Event, termination_as_exit

if TYPE_CHECKING:
    from pitlake.cli.recording import Recording

GOLD = "equipment_performance_1min"
# These have rows soon after records come, whichever flow starts first.
_FILLED = (GOLD, "ot_telemetry_bronze", "ot_sensors_normalized", "equipment_current_status")
# Latencies of the first minute are those of a JVM that warms up and of readings that waited for it; a summary leaves them out.
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

    `begin` is called when records can be sent, and `seconds` count from there; the run is told in the file `report` where one is
    named. Progress is told on standard error. Raises EnvironmentProblem, ConfigurationError and ProcessError.
    """
    check_writable(report)
    console = Console(stderr=True)
    began, clock = datetime.now(UTC), Stopwatch(console)
    begun_at = time.monotonic()

    def note_begin(system: System) -> None:
        nonlocal begun_at
        begun_at = time.monotonic()
        begin(system)

    with (
        termination_as_exit(),
        _beside(partial(_await_gold, settings, clock, began)),
        running_mine(settings, clock.tell, console.print, note_begin) as system,
    ):
        ready_at = datetime.now(UTC)
        recording = _recording(settings, ready_at) if report else None
        deadline = None if seconds is None else begun_at + seconds
        try:
            with recording or nullcontext():
                _watch(system, console, began, deadline)
        except KeyboardInterrupt:
            console.print("Stopping.")
        _print_summary(settings, ready_at)
        if recording:
            recording.close(measured_from(ready_at, datetime.now(UTC)))
    if report and recording:
        recording.write(report)
        console.print(f"The run is told in {report}.")
    console.print(f"Ended. The tables stay in {settings.lake_url}; ask them with `pitlake sql`.")


def _recording(settings: Settings, began: datetime) -> Recording:
    """Of a run whose flows all run by now."""
    # What a report needs takes half a second to load, for which no start is to wait.
    from pitlake.cli.recording import Recording  # noqa: PLC0415

    return Recording(settings, began)


class Stopwatch:
    """Prints what happens, with the seconds since it was made."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {text}")

    def tell(self, event: Event) -> None:
        """Print what happened to a part."""
        style = {Change.READY: "green", Change.DIED: "red"}.get(event.change, "dim")
        detail = f" ({event.detail})" if event.detail else ""
        self.say(f"{event.part} [{style}]{event.change}[/{style}]{detail}")


def _watch(system: System, console: Console, began: datetime, deadline: float | None) -> None:
    """Keep the system running, and draw its tables, until the time is over."""
    stop = threading.Event()
    with ExitStack() as beside:
        if console.is_terminal:
            beside.enter_context(_beside(partial(_draw, system.settings, console), stop))
        if deadline is not None:
            beside.enter_context(_beside(partial(_stop_at_rest, system.settings, began, deadline), stop))
        system.supervisor.watch(stop)


@contextmanager
def _beside(work: Callable[[threading.Event], None], stop: threading.Event | None = None) -> Iterator[None]:
    """Do some work in a thread while the block lasts, which ends by setting `stop`."""
    stop = stop or threading.Event()
    thread = threading.Thread(target=work, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _stop_at_rest(settings: Settings, began: datetime, deadline: float, stop: threading.Event) -> None:
    """Set `stop` when the time is over, the mine's tables have rows of this run, and none grows; or when that takes too long."""
    stop.wait(max(0.0, deadline - time.monotonic()))
    lake, rows, last_deadline = LakeStatus(settings.lake_url), -1, time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < last_deadline and not stop.wait(REFRESH_SECONDS):
        statuses = present_statuses(lake)
        last_rows, rows = rows, sum(status.rows for status in statuses)
        if rows == last_rows and _have_grown(settings, statuses, began, *_FILLED):
            break
    stop.set()


def _await_gold(settings: Settings, clock: Stopwatch, began: datetime, stop: threading.Event) -> None:
    """Say when this run's first gold row is there."""
    gold = Arrivals(TableName(settings.catalog, settings.schema_, GOLD).path(settings.lake_url))
    while not _has_come(gold, began):
        if stop.wait(IMPATIENT_SECONDS):
            return
    clock.say(f"first row in {GOLD} [green]visible[/green]")


def _has_come(arrivals: Arrivals, began: datetime) -> bool:
    """Whether rows were computed and stored since the run began: an earlier one's may have been left in the topic.

    None have come into a table that cannot be read, as for the moment in which it is made.
    """
    try:
        newest = arrivals.newest()
    except (DeltaError, OSError):
        return False
    return newest is not None and newest > began


def _draw(settings: Settings, console: Console, stop: threading.Event) -> None:
    """Draw the tables as they fill."""
    lake = LakeStatus(settings.lake_url)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stop.wait(REFRESH_SECONDS):
            hint = Text("Ctrl-C ends all of it", style="dim")
            live.update(Group(tables_summary(present_statuses(lake), now=datetime.now(UTC)), hint), refresh=True)


def _have_grown(settings: Settings, statuses: Sequence[TableStatus], began: datetime, *tables: str) -> bool:
    """Whether rows were computed since the run began and stored, in all of these tables."""
    grown = {status.name for status in statuses if status.published and status.published > began}
    return grown >= {TableName(settings.catalog, settings.schema_, table) for table in tables}


def measured_from(ready_at: datetime, now: datetime) -> datetime:
    """From when on the latencies of a run count: without those of its warming up, a third of the run at most."""
    return ready_at + min(WARM_UP, (now - ready_at) / 3)


def _print_summary(settings: Settings, ready_at: datetime) -> None:
    """Print on standard output what the tables hold, and their latencies in this run."""
    console = Console()
    now = datetime.now(UTC)
    since = measured_from(ready_at, now)
    left_out = (since - ready_at).total_seconds()
    statuses = present_statuses(LakeStatus(settings.lake_url), since=since)
    console.print(f"\nTables, with the latencies of this run after its first {left_out:.0f} s:\n")
    console.print(Group(tables_summary(statuses, now=now), "", quality_summary(statuses), ""))
