"""Static sides of streaming joins, held in Spark's memory and read again when their Delta table has changed.

Spark joins a batch with whatever a side holds when the batch starts. Read through Python each time, the sides are most of the
time between two batches; held in memory, they are none of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

POLL_SECONDS = 1.0

_log = logging.getLogger(__name__)


class StaticSide:
    """One table, at `path`, and the frame that stands for it in the streams' queries."""

    def __init__(self, path: str, frame: DataFrame) -> None:
        self._frame = frame
        self._table = DeltaTable(path)
        self._held: int | None = None

    def refresh(self) -> bool:
        """Hold the table's present rows, if it has changed; whether it had. Raises deltalake's and Spark's errors.

        A batch that starts meanwhile reads the table itself.
        """
        self._table.update_incremental()
        version = self._table.version()
        if version == self._held:
            return False
        self._frame.unpersist()
        self._frame.persist()
        self._frame.count()
        self._held = version
        return True

    def release(self) -> None:
        """Free the memory."""
        self._frame.unpersist()


@contextmanager
def static_sides(frames: Mapping[str, DataFrame]) -> Iterator[None]:
    """Hold the tables, by path, while the block lasts; a change is seen within `POLL_SECONDS`. The tables must exist."""
    sides = {path: StaticSide(path, frame) for path, frame in frames.items()}
    stop = threading.Event()
    polling = threading.Thread(target=_poll, args=(sides, stop), name="static sides", daemon=True)
    polling.start()
    try:
        yield
    finally:
        stop.set()
        polling.join()
        for side in sides.values():
            side.release()


def _poll(sides: Mapping[str, StaticSide], stop: threading.Event) -> None:
    _refresh(sides)
    while not stop.wait(POLL_SECONDS):
        _refresh(sides)


def _refresh(sides: Mapping[str, StaticSide]) -> None:
    for path, side in sides.items():
        try:
            side.refresh()
        except (DeltaError, OSError, PySparkException) as fault:
            _log.warning("%s cannot be read now; its streams read it themselves, and it is tried again: %s", path, fault)
