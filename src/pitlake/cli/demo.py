"""`pitlake demo`: the whole mine on this machine, watched live, with a summary at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pitlake.cli.clients import add_client, addresses_of, clients_of
from pitlake.cli.live import watch_mine
from pitlake.cli.parts import LANDING, SIMULATOR
from pitlake.cli.settings import Settings
from pitlake.cli.system import System
from pitlake.mining.simulator import StoryStart

CLIENT = "demo"


@dataclass(frozen=True)
class DemoConfig:
    """What to run: `seconds` is how long readings are sent, None for until Ctrl-C; a story may start later, as `name@60`."""

    settings: Settings
    seconds: float | None
    stories: tuple[str, ...]
    seed: int
    ledger: Path | None
    report: Path | None = None

    def simulator_arguments(self) -> list[str]:
        """The arguments of `pitlake simulate`."""
        stories = [argument for story in self.stories for argument in ("--story", story)]
        ledger = ["--ledger", str(self.ledger.resolve())] if self.ledger else []
        limit = ["--for", f"{self.seconds}s"] if self.seconds is not None else []
        return ["simulate", "--seed", str(self.seed), *stories, *ledger, *limit]


def run_demo(config: DemoConfig) -> None:
    """Run the demo. Raises ConfigurationError, EnvironmentProblem and ProcessError; Ctrl-C is a good end."""
    for story in config.stories:
        StoryStart.parse(story)

    def begin(system: System) -> None:
        print_client(config.settings, Console(stderr=True))
        system.supervisor.launch(system.command(SIMULATOR, config.simulator_arguments()))

    watch_mine(config.settings, begin, seconds=config.seconds, report=config.report)


def print_client(settings: Settings, console: Console) -> None:
    """Say where records can be sent, and as whom: at the first start a client is made, whose secret is shown this once."""
    addresses = addresses_of(settings)
    is_new = CLIENT not in clients_of(settings).names()
    another = f"pitlake client {CLIENT} --table '*' --home {settings.home}"
    secret = add_client(settings, CLIENT, ["*"]) if is_new else f"as shown at the first start; for a new one: {another}"
    lines = {
        "endpoint": addresses.endpoint,
        "workspace": addresses.workspace,
        "table": f"{settings.catalog}.{settings.schema_}.{LANDING.name}",
        "client id": CLIENT,
        "secret": secret,
    }
    console.print("Any client of Databricks Zerobus Ingest can send to it (docs/ingest.md):")
    for name, value in lines.items():
        console.print(f"  {name:10}", value, highlight=False, markup=False, soft_wrap=True)
