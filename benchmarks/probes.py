"""What the probes share: they run as processes until SIGTERM, and then write down what they saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import orjson

from benchmarks.freshness import Row
from benchmarks.windows import Sighting
from pitlake.cli.parts import stop_on_signal
from pitlake.local.files import write_atomically

SIGHTINGS = "sightings.jsonl"


def record(sightings: Callable[[Callable[[], bool]], Iterable[tuple[float, Row, int]]], folder: Path) -> None:
    """Write the sightings into `folder` once told to stop.

    `sightings` is given a function that says whether to stop. Meanwhile `ready` tells that the probe watches, and `first` when it
    saw the first row. All else is kept in memory: a probe that wrote while it watches would disturb what it measures.
    """
    seen: list[tuple[float, Row, int]] = []
    with stop_on_signal() as stop:
        (folder / "ready").touch()
        for sighting in sightings(stop.is_set):
            if not seen:
                write_atomically(folder / "first", str(sighting[0]))
            seen.append(sighting)
    with (folder / SIGHTINGS).open("wb") as out:
        out.writelines(orjson.dumps(sighting, option=orjson.OPT_APPEND_NEWLINE) for sighting in seen)


def recorded(folder: Path) -> list[Sighting]:
    """The sightings that a probe has written down."""
    with (folder / SIGHTINGS).open("rb") as lines:
        return [Sighting(at, (row[0], row[1], row[2]), count) for at, row, count in map(orjson.loads, lines)]
