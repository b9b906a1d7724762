"""`pitlake run`: pipeline files in Spark, on a home."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from pitlake.cli.parts import PIPELINE, announce_part, await_run, bootstrap_of, log_to_standard_error, stop_on_signal
from pitlake.cli.settings import Settings
from pitlake.engine.session import archive_classes, running_session
from pitlake.engine.update import UpdateConfig, run_update
from pitlake.errors import ConfigurationError
from pitlake.local.home import Home
from pitlake.local.jars import fetch_jars
from pitlake.local.locks import opened, try_lock

_WAIT_FOR_ARCHIVING_SECONDS = 5.0


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
                announce_part(settings, PIPELINE)
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
