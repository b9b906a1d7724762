"""`pitlake write`: the Delta writer on a home."""

from __future__ import annotations

from pitlake.cli.parts import WRITER, announce_part, bootstrap_of, run_part
from pitlake.cli.settings import Settings
from pitlake.lake.writer.process import run_writer


def run_lake_writer(settings: Settings) -> None:
    """Run the Delta writer until stopped. Raises BrokerError and LakeError."""
    run_part(
        settings,
        lambda stop: run_writer(bootstrap_of(settings), settings.lake_url, stop, lambda: announce_part(settings, WRITER)),
    )
