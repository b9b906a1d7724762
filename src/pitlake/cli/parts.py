"""What the processes of a running system share: their names, the landing topic, how they wait for a run, log, tell that they are
ready, and hear that they are to stop.
"""

from __future__ import annotations

import gc
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from pitlake.cli.settings import Settings
from pitlake.ingest.tables import landing_topic
from pitlake.local.home import Home
from pitlake.local.readiness import announce_ready

BROKER = "broker"
ENDPOINT = "endpoint"
PIPELINE = "pipeline"
WRITER = "writer"
SIMULATOR = "simulator"

LANDING = landing_topic("mining_ot_stream")

_SELDOM_OBJECTS = 100_000

_WAIT_SECONDS = 0.05
_SELDOM_SECONDS = 10.0


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set, so that a process ends after its last commit. For the main thread."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        # In another thread: this one may hold the event's lock, as it waits for it most of the time, and would wait for itself.
        threading.Thread(target=stop.set, name="stop").start()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def bootstrap_of(settings: Settings) -> str:
    """The Kafka to use. Raises BrokerError when none was named and nothing runs on the home."""
    return settings.kafka or Home(settings.home.resolve()).read_bootstrap()


def _collect_seldom() -> None:
    """Have Python look for garbage in this process far more seldom, and never among the objects that it has now.

    For a process that handles records: they are many and in no cycles, and to look among them takes a third of the time in which
    they are read.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_SELDOM_OBJECTS)


def log_to_standard_error() -> None:
    """Have a part's log on standard error, in local time; of the Kafka client's messages one in ten seconds."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells each connection to the JVM
    logging.getLogger("pitlake.kafka").addFilter(_Seldom())


class _Seldom(logging.Filter):
    """Lets a message pass once in a while: a broker that is away is told of many times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last = -_SELDOM_SECONDS

    def filter(self, record: logging.LogRecord) -> bool:
        passes = record.created - self._last >= _SELDOM_SECONDS
        if passes:
            self._last = record.created
        return passes


def await_run(settings: Settings, stop: threading.Event) -> bool:
    """Wait for a run on the home to begin, where the settings say so; False when `stop` is set before."""
    home = Home(settings.home.resolve())
    if not settings.wait or home.has_run():
        return True
    Console(stderr=True).print(f"Waiting for a run on {home.path}")
    while not home.has_run():
        if stop.wait(_WAIT_SECONDS):
            return False
    return True


def announce_part(settings: Settings, part: str) -> None:
    """Tell the system that started this process as its `part` that it is ready.

    What somebody starts beside a running system waits for none, and would else count as that system's part.
    """
    if settings.wait:
        announce_ready(Home(settings.home.resolve()), part)


def run_part(settings: Settings, run: Callable[[threading.Event], None]) -> None:
    """Run a process that handles records, once what its settings have it wait for is there, until a signal sets its event."""
    log_to_standard_error()
    with stop_on_signal() as stop:
        if await_run(settings, stop):
            _collect_seldom()
            run(stop)
