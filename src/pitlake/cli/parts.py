"""The processes that make up a running system, each as a function that runs until it is told to stop."""

from __future__ import annotations

import gc
import hashlib
import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console

from pitlake.cli.settings import Settings
from pitlake.engine.session import archive_classes, running_session
from pitlake.engine.update import UpdateConfig, run_update
from pitlake.errors import ConfigurationError
from pitlake.ingest.tables import landing_topic
from pitlake.lake.writer.process import run_writer
from pitlake.local.home import Home
from pitlake.local.jars import fetch_jars
from pitlake.local.locks import opened, try_lock
from pitlake.local.readiness import announce_ready

PIPELINE = "pipeline"
WRITER = "writer"
SIMULATOR = "simulator"

LANDING = landing_topic("mining_ot_stream")

_SELDOM_OBJECTS = 100_000

_WAIT_SECONDS = 0.05
_WAIT_FOR_ARCHIVING_SECONDS = 5.0
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


def collect_seldom() -> None:
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


def run_pipeline(settings: Settings, files: Sequence[Path]) -> None:
    """Run pipeline files until stopped. Raises DefinitionError, BrokerError and FlowError."""
    log_to_standard_error()
    console = Console(stderr=True)
    home = Home(settings.home.resolve())
    jars = fetch_jars(console.print).spark
    if not settings.wait:
        bootstrap_of(settings)  # an idle home is told before Spark takes its seconds
    with _only_run_of(files, home), stop_on_signal() as stop:
        console.print("Starting Spark")
        with running_session(home.path, jars, master=settings.master) as session:
            if not await_run(settings, stop):
                return
            config = UpdateConfig(
                files=tuple(files),
                home=home.path,
                bootstrap=bootstrap_of(settings),
                lake=settings.lake_url,
                catalog=settings.catalog,
                schema=settings.schema_,
                mode=settings.mode,
            )
            archiving = threading.Thread(
                target=archive_classes, args=(session, home.path, jars, stop), name="archive-classes", daemon=True
            )

            def on_ready() -> None:
                announce_ready(home, PIPELINE)
                archiving.start()

            try:
                run_update(config, session, stop=stop, report=console.print, on_ready=on_ready)
            finally:
                stop.set()
                if archiving.is_alive():
                    archiving.join(_WAIT_FOR_ARCHIVING_SECONDS)


@contextmanager
def _only_run_of(files: Sequence[Path], home: Home) -> Iterator[None]:
    """Hold a pipeline for this process: a second driver of it would void the first one's rows while both keep checkpoints."""
    names = "\n".join(sorted(str(file.resolve()) for file in files))
    lock = home.path / "pipelines" / f"{hashlib.sha256(names.encode()).hexdigest()[:12]}.lock"
    with opened(lock) as descriptor:
        if not try_lock(descriptor):
            raise ConfigurationError(
                f"These pipeline files already run on the home {home.path}.",
                do="End that run first, or give this one another home with --home.",
            )
        yield


def run_lake_writer(settings: Settings) -> None:
    """Run the Delta writer until stopped. Raises BrokerError and LakeError."""
    log_to_standard_error()
    home = Home(settings.home.resolve())
    with stop_on_signal() as stop:
        if await_run(settings, stop):
            collect_seldom()
            run_writer(bootstrap_of(settings), settings.lake_url, stop, lambda: announce_ready(home, WRITER))
