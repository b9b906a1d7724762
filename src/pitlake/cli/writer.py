"""`pitlake write`: the Delta writer on a home."""

from __future__ import annotations

from pitlake.cli.parts import (
    WRITER,
    announce_part,
    await_run,
    bootstrap_of,
    collect_seldom,
    log_to_standard_error,
    stop_on_signal,
)
from pitlake.cli.settings import Settings
from pitlake.lake.writer.process import run_writer


def run_lake_writer(settings: Settings) -> None:
    """Run the Delta writer until stopped. Raises BrokerError and LakeError."""
    log_to_standard_error()
    with stop_on_signal() as stop:
        if await_run(settings, stop):
            collect_seldom()
            run_writer(bootstrap_of(settings), settings.lake_url, stop, lambda: announce_part(settings, WRITER))
