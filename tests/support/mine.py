"""A running mine for end-to-end tests: real broker, endpoint, Spark and writer; every reading of its simulator is in a ledger."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow.dataset as ds
from deltalake import DeltaTable

from pitlake.cli.parts import LANDING, PIPELINE, WRITER
from pitlake.cli.settings import Settings
from pitlake.cli.simulate import target_of
from pitlake.cli.system import System, running_mine
from pitlake.cli.witness import Witness
from pitlake.engine.options import Mode
from pitlake.lake.names import TableName
from pitlake.local.supervision import Event
from pitlake.mining.simulator import SimulatorConfig, StoryStart, WallClock, run_simulator
from pitlake.mining.simulator.bad_payloads import FAULTS, SOURCE
from pitlake.mining.simulator.kafka import KafkaSender
from pitlake.mining.simulator.ledger import Ledger
from pitlake.mining.simulator.messages import Message, Reading
from pitlake.mining.simulator.zerobus import ZerobusSender
from tests.support.oracle import (
    HOUR_US,
    MINUTE_US,
    Comparison,
    compare_performance,
    compare_predictions,
    compare_quality,
    readings_in,
)

SILVER_KEY = ("landing_id", "batch_index", "sensor_name")


@dataclass
class Mine:
    """A running system and what was sent to it. Its supervisor works only while one of these methods waits."""

    system: System
    ledger: Path
    events: list[Event] = field(default_factory=list)
    has_sent_bad_payloads: bool = False

    def table(self, name: str) -> str:
        """Where a table of the mine lies."""
        settings = self.system.settings
        return TableName(settings.catalog, settings.schema_, name).path(settings.lake_url)

    def run(self, seconds: float) -> None:
        """Let it run for a while; what dies is restarted."""
        enough = threading.Event()
        timer = threading.Timer(seconds, enough.set)
        timer.start()
        try:
            self.system.supervisor.watch(enough)
        finally:
            timer.cancel()

    def run_until(self, condition: Callable[[], bool], seconds: float, every: float = 0.5) -> bool:
        """Let it run until the condition holds, for `seconds` at most; whether it holds."""
        deadline = time.monotonic() + seconds
        while not (held := condition()) and time.monotonic() < deadline:
            self.run(every)
        return held

    def kill(self, part: str) -> str:
        """Kill a part with SIGKILL: `writer`, `endpoint`, `pipeline`, or `jvm`, Spark's own process. Says what was killed."""
        pid = self.system.supervisor.pid(PIPELINE if part == "jvm" else part)
        if pid is None:
            return f"{part} was down"
        if part == "jvm":
            java = [child.pid for child in psutil.Process(pid).children(recursive=True) if child.name() == "java"]
            pid = java[0] if java else pid
        os.kill(pid, signal.SIGKILL)
        return f"{part} ({pid})"

    def compare(self) -> dict[str, Comparison]:
        """Every table that can be recomputed, held against the ledger.

        Not the quality metrics once bad messages were sent: they count readings whose value fits no column, the ledger does not.
        """
        windows = {"equipment_performance_1min": MINUTE_US, "equipment_performance_1hour": HOUR_US}
        comparisons = {name: compare_performance(self.ledger, self.table(name), width) for name, width in windows.items()}
        if not self.has_sent_bad_payloads:
            name = "pipeline_quality_metrics"
            comparisons[name] = compare_quality(self.ledger, self.table(name))
        if DeltaTable.is_deltatable(self.table("ml_predictions")):
            paths = self.table("ml_predictions"), self.table("equipment_baseline")
            comparisons["ml_predictions"] = compare_predictions(self.ledger, *paths)
        return comparisons

    def differences(self) -> list[str]:
        """What differs from the ledger, each as a line of text."""
        return [f"{name}: {line}" for name, comparison in self.compare().items() for line in comparison.differences]

    def has_caught_up(self) -> bool:
        """Whether every reading is in silver and no table differs from the ledger: flows catch up one by one, in any order."""
        return self.silver_readings() == readings_in(self.ledger) and not self.differences()

    def silver_readings(self) -> int:
        """How many readings with a value are in silver now."""
        return self.rows("ot_sensors_normalized", ds.field("sensor_value").is_valid() | ds.field("sensor_text").is_valid())

    def rows(self, name: str, where: ds.Expression | None = None) -> int:
        """How many rows a table has now, of those that are asked for; none while it does not exist."""
        path = self.table(name)
        return DeltaTable(path).to_pyarrow_dataset().count_rows(filter=where) if DeltaTable.is_deltatable(path) else 0

    def send_bad_payloads(self) -> list[str]:
        """Send one message of every fault that the simulator knows, now; the names of the faults."""
        self.has_sent_bad_payloads = True
        now = datetime.now(UTC)
        sender = KafkaSender(self.system.bootstrap, LANDING.name)
        with self.ledger.open("ab") as file:
            ledger = Ledger(file)
            for number, (fault, make) in enumerate(FAULTS.items()):
                value, readings = make(now, f"bad-{number}")
                message = Message(now, SOURCE, f"bad-{number}", value, tuple(Reading(*r) for r in readings), fault)
                sender.send(message.key, message.value, ledger.on_delivery(message))
            sender.flush()
        return list(FAULTS)

    @contextmanager
    def simulated(self, *stories: str, seed: int = 1) -> Iterator[None]:
        """Send readings through the endpoint while the block lasts."""
        config = SimulatorConfig(seed=seed, stories=tuple(StoryStart.parse(s) for s in stories), ledger=self.ledger)
        stop = threading.Event()
        target = target_of(self.system.settings)
        with ZerobusSender(target) as sender, Witness(sender, self.system.bootstrap, LANDING.name) as witness:
            sending = threading.Thread(target=run_simulator, args=(config, witness, WallClock(stop)))
            sending.start()
            try:
                yield
            finally:
                stop.set()
                sending.join()


@contextmanager
def mine_at(home: Path, mode: Mode = "realtime") -> Iterator[Mine]:
    """The whole mine on `home`, ready when the block begins and ended after it."""
    events: list[Event] = []
    home.mkdir(parents=True, exist_ok=True)
    with running_mine(Settings(home=home, mode=mode), events.append, lambda _: None) as system:
        yield Mine(system, home / "ledger.jsonl", events)


__all__ = ["PIPELINE", "SILVER_KEY", "WRITER", "Mine", "mine_at"]
