"""`pitlake demo`: the whole mine on this machine, watched live, with a summary at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deltalake import DeltaTable
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from pitlake.cli.parts import SIMULATOR
from pitlake.cli.settings import Settings
from pitlake.cli.summary import quality_summary, tables_summary
from pitlake.cli.system import System, running_mine
from pitlake.lake.names import TableName
from pitlake.lake.status import TableStatus, lake_status
from pitlake.local.supervision import Change, Event, termination_as_exit
from pitlake.mining.simulator import StoryStart

GOLD = "equipment_performance_1min"
REFRESH_SECONDS = 2.0
# Latencies of the first minute are those of a JVM that warms up; the summary shows them apart from the rest.
WARM_UP = timedelta(minutes=1)
DRAIN_SECONDS = 20.0


@dataclass(frozen=True)
class DemoConfig:
    """What to run: `seconds` is how long readings are sent, None for until Ctrl-C; a story may start later, as `name@60`."""

    settings: Settings
    seconds: float | None
    stories: tuple[str, ...]
    seed: int
    ledger: Path | None

    def simulator_arguments(self) -> list[str]:
        """The arguments of `pitlake simulate`."""
        stories = [argument for story in self.stories for argument in ("--story", story)]
        ledger = ["--ledger", str(self.ledger.resolve())] if self.ledger else []
        limit = ["--for", f"{self.seconds}s"] if self.seconds is not None else []
        return ["simulate", "--seed", str(self.seed), *stories, *ledger, *limit]


def run_demo(config: DemoConfig, console: Console | None = None) -> None:
    """Run the demo. Raises ConfigurationError, EnvironmentProblem and ProcessError; Ctrl-C is a good end."""
    console = console or Console()
    for story in config.stories:
        StoryStart.parse(story)
    began = time.monotonic()
    with termination_as_exit(), running_mine(config.settings, _shown(console, began), console.print) as system:
        ready_at = datetime.now(UTC)
        stop = threading.Event()
        try:
            system.supervisor.start(system.command(SIMULATOR, config.simulator_arguments()))
            _watch(system, config, console, began, stop)
        except KeyboardInterrupt:
            console.print("Stopping.")
        _print_summary(console, config.settings, ready_at)
    console.print(f"Ended. The tables stay in {config.settings.lake_url}; ask them with `pitlake sql`.")


def _shown(console: Console, began: float) -> Callable[[Event], None]:
    def show(event: Event) -> None:
        style = {Change.READY: "green", Change.DIED: "red"}.get(event.change, "dim")
        detail = f" ({event.detail})" if event.detail else ""
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {event.part} [{style}]{event.change}[/{style}]{detail}")

    return show


def _watch(system: System, config: DemoConfig, console: Console, began: float, stop: threading.Event) -> None:
    with _live_view(config.settings, console, began, stop):
        if config.seconds is None:
            system.supervisor.watch(stop)
            return
        deadline = time.monotonic() + config.seconds
        timer = threading.Thread(target=lambda: _until(deadline, config.settings, stop), daemon=True)
        timer.start()
        system.supervisor.watch(stop)
        timer.join()


def _until(deadline: float, settings: Settings, stop: threading.Event) -> None:
    """Set `stop` when the time is over and the tables have come to rest: their rows no longer grow."""
    stop.wait(max(0.0, deadline - time.monotonic()))
    rows, last_deadline = -1, time.monotonic() + DRAIN_SECONDS
    while not stop.wait(REFRESH_SECONDS) and time.monotonic() < last_deadline:
        now = sum(status.rows for status in lake_status(settings.lake_url))
        if now == rows:
            break
        rows = now
    stop.set()


@contextmanager
def _live_view(settings: Settings, console: Console, began: float, stop: threading.Event) -> Iterator[None]:
    """Draw the tables as they fill, on a terminal; elsewhere only say when the first gold row is there."""
    view = threading.Thread(target=_draw, args=(settings, console, began, stop), daemon=True)
    view.start()
    try:
        yield
    finally:
        stop.set()
        view.join()


def _draw(settings: Settings, console: Console, began: float, stop: threading.Event) -> None:
    first_gold = False
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stop.wait(REFRESH_SECONDS if first_gold else 0.25):
            if not first_gold and _has_rows(settings):
                first_gold = True
                console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  first row in {GOLD} [green]visible[/green]")
            if first_gold and console.is_terminal:
                live.update(_view(lake_status(settings.lake_url)), refresh=True)


def _has_rows(settings: Settings) -> bool:
    path = TableName(settings.catalog, settings.schema_, GOLD).path(settings.lake_url)
    return DeltaTable.is_deltatable(path) and DeltaTable(path).to_pyarrow_dataset().count_rows() > 0


def _view(statuses: list[TableStatus]) -> RenderableType:
    return Group(tables_summary(statuses, now=datetime.now(UTC)), Text("Ctrl-C ends all of it", style="dim"))


def _print_summary(console: Console, settings: Settings, ready_at: datetime) -> None:
    statuses = lake_status(settings.lake_url, since=ready_at + WARM_UP)
    console.print()
    console.print("Tables, with latencies after the first minute:")
    console.print(tables_summary(statuses, now=datetime.now(UTC)))
    console.print()
    console.print(quality_summary(statuses))
    console.print()
