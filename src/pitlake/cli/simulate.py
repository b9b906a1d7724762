"""`pitlake simulate`: the simulated mine sends to the endpoint, as any producer would."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from pitlake.cli.clients import add_client, addresses_of, clients_of
from pitlake.cli.parts import LANDING, SIMULATOR, announce_part, bootstrap_of, stop_on_signal
from pitlake.cli.settings import Settings
from pitlake.cli.witness import Witness
from pitlake.ingest.clients import write_private
from pitlake.local.home import Home
from pitlake.mining.simulator import Sender, SimulatorConfig, StoryStart, WallClock, run_simulator
from pitlake.mining.simulator.zerobus import Target, ZerobusSender


def run_mine_simulator(
    settings: Settings, *, limit: float | None, stories: Sequence[str], seed: int, ledger: Path | None
) -> None:
    """Run the simulated mine until stopped, or for `limit` seconds.

    Raises BrokerError, ProcessError when no endpoint has run on the home, and ConfigurationError for an unknown story.
    """
    home = Home(settings.home.resolve())
    config = SimulatorConfig(
        seed=seed,
        duration=timedelta(seconds=limit) if limit is not None else None,
        stories=tuple(StoryStart.parse(story) for story in stories),
        ledger=ledger,
        labels=home.labels,
    )
    with stop_on_signal() as stop, ExitStack() as closing:
        sender: Sender = closing.enter_context(ZerobusSender(target_of(settings)))
        if ledger is not None:
            sender = closing.enter_context(Witness(sender, bootstrap_of(settings), LANDING.name))
        announce_part(settings, SIMULATOR)
        summary = run_simulator(config, sender, WallClock(stop))
    Console(stderr=True).print(f"sent {summary.readings:,} readings in {summary.messages:,} messages")


def target_of(settings: Settings) -> Target:
    """The landing table of the mine at the endpoint of the home, with credentials that only the simulator has.

    Raises ProcessError when no endpoint has run on the home.
    """
    addresses = addresses_of(settings)
    file = Home(settings.home.resolve()).ingest / "simulator.json"
    if not file.exists() or SIMULATOR not in clients_of(settings).names():
        write_private(file, json.dumps(add_client(settings, SIMULATOR, [LANDING.name])).encode())
    table = f"{settings.catalog}.{settings.schema_}.{LANDING.name}"
    return Target(addresses.endpoint, addresses.workspace, SIMULATOR, json.loads(file.read_bytes()), table)
