"""What the probes share: they run as processes until SIGTERM, and then write down what they saw."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from benchmarks.windows import Sighting
from pitlake.cli.parts import stop_on_signal
from pitlake.local.files import write_atomically

SIGHTINGS = "sightings.jsonl"


def record(sightings: Callable[[Callable[[], bool]], Iterable[Sighting]], folder: Path) -> None:
    """Write the sightings into `folder` once told to stop.

    `sightings` is given a function that says whether to stop. Meanwhile `ready` tells that the probe watches, and `first` when it
    saw the first row. All else is kept in memory: a probe that wrote while it watches would disturb what it measures. So
    would one that looks for garbage, each time among all that it keeps: 0.3 s for a million sightings, on a machine that is free.
    """
    seen: list[Sighting] = []
    with stop_on_signal() as stop, _no_look_for_garbage():
        (folder / "ready").touch()
        for sighting in sightings(stop.is_set):
            if not seen:
                write_atomically(folder / "first", str(sighting.at))
            seen.append(sighting)
    with (folder / SIGHTINGS).open("wb") as out:
        out.writelines(orjson.dumps(sighting, option=orjson.OPT_APPEND_NEWLINE) for sighting in seen)


@contextmanager
def _no_look_for_garbage() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def recorded(folder: Path) -> list[Sighting]:
    """The sightings that a probe has written down."""
    with (folder / SIGHTINGS).open("rb") as lines:
        return [Sighting(told["at"], tuple(told["row"]), told["count"]) for told in map(orjson.loads, lines)]
