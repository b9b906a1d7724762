"""The whole system on one machine: its parts, which start at once, under one supervisor and one lock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pitlake.cli.parts import BROKER, ENDPOINT, LANDING, PIPELINE, WRITER
from pitlake.cli.settings import Settings
from pitlake.ingest.tables import declare_landing_table
from pitlake.lake.names import TableName
from pitlake.lake.seeding import seed_table
from pitlake.local.broker import broker_command, is_answering, prepare_broker
from pitlake.local.home import Home
from pitlake.local.jars import Jars, fetch_jars
from pitlake.local.java import find_java
from pitlake.local.readiness import is_ready
from pitlake.local.supervision import Event, Part, Restarts, Supervisor
from pitlake.mining import dimensions
from pitlake.streams.topics import ensure_topics

MINING_PIPELINE = Path(dimensions.__file__).with_name("pipeline.py")


@dataclass(frozen=True)
class System:
    """A running system: its home, the address of its broker, and the supervisor of its parts."""

    settings: Settings
    home: Home
    bootstrap: str
    supervisor: Supervisor

    def command(self, name: str, arguments: Sequence[str] = (), *, restarts: Restarts | None = None) -> Part:
        """The part that runs one of pitlake's own commands on this home, and says itself when it is ready."""
        return Part(
            name=name,
            argv=(sys.executable, "-m", "pitlake", *arguments, "--home", str(self.home.path)),
            log=self.home.log(name),
            ready=partial(is_ready, self.home, name),
            env={
                "PITLAKE_LAKE": self.settings.lake_url,
                "PITLAKE_MASTER": self.settings.master,
                "PITLAKE_MODE": self.settings.mode,
                "PITLAKE_WAIT": "true",
            },
            restarts=restarts,
            ready_seconds=180.0,  # the broker's start is in it
        )


@contextmanager
def running_mine(
    settings: Settings,
    on_event: Callable[[Event], None],
    report: Callable[[str], None],
    begin: Callable[[System], None] = lambda _: None,
) -> Iterator[System]:
    """Run broker, endpoint, writer and the mining pipeline while the block lasts; all are ready when it begins.

    Where the settings name a Kafka, it is used and no broker started. `report` hears of set-up that takes long; `begin` is called
    as soon as the endpoint takes records, and what it launches sends them while the pipeline still starts.
    Raises EnvironmentProblem, ConfigurationError when the home is in use, and ProcessError.
    """
    home = Home(settings.home.resolve())
    java = find_java()
    jars = fetch_jars(report)
    with home.locked() as lock, Supervisor(on_event, held=[lock]) as supervisor:
        bootstrap = settings.kafka or _launched_broker(java, jars, home, supervisor)
        system = System(settings, home, bootstrap, supervisor)
        commands = {ENDPOINT: ["serve"], WRITER: ["write"], PIPELINE: ["run", str(MINING_PIPELINE)]}
        supervisor.launch(*(system.command(name, command, restarts=Restarts()) for name, command in commands.items()))
        seed_dimensions(settings)
        if not settings.kafka:
            supervisor.await_ready(BROKER)
        ensure_topics(bootstrap, [LANDING])
        declare_landing_table(bootstrap, f"{settings.catalog}.{settings.schema_}.{LANDING.name}", renamed=True)
        home.write_run(bootstrap)  # for this the others have waited
        supervisor.await_ready(ENDPOINT)
        begin(system)
        supervisor.await_ready()
        yield system


def _launched_broker(java: Path, jars: Jars, home: Home, supervisor: Supervisor) -> str:
    bootstrap = prepare_broker(java, jars, home.broker)
    command = tuple(broker_command(java, jars, home.broker))
    supervisor.launch(Part(BROKER, command, home.log(BROKER), partial(is_answering, bootstrap)))
    return bootstrap


def seed_dimensions(settings: Settings) -> None:
    """Create the mine's dimension tables where they do not exist; those that do keep their users' edits."""
    for dimension in dimensions.DIMENSIONS:
        name = TableName(settings.catalog, settings.schema_, dimension.name)
        seed_table(settings.lake_url, name, dimension.rows(), dimension.comment)
