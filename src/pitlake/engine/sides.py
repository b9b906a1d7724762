"""Static sides of streaming joins, held in Spark's memory and read again when their Delta table has changed.

Spark joins a batch with whatever a side holds when the batch starts. Read through Python each time, the sides are most of the
time between two batches; held in memory, they are none of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame

POLL_SECONDS = 1.0

_log = logging.getLogger(__name__)


class StaticSide:
    """One table, at `path`, and the frame that stands for it in the streams' queries."""

    def __init__(self, path: str, frame: DataFrame) -> None:
        self._path, self._frame = path, frame
        self._held: tuple[str, int] | None = None

    def refresh(self) -> bool:
        """Hold the table's present rows, if it has changed; whether it had. Raises deltalake's and Spark's errors.

        A table made anew has changed, whatever its version.
        """
        table = DeltaTable(self._path)
        found = (str(table.metadata().id), table.version())
        if found == self._held:
            return False
        self.release()
        self._frame.persist()
        self._frame.count()
        self._held = found
        return True

    def release(self) -> None:
        """Hold nothing: a batch reads the table itself."""
        self._frame.unpersist()
        self._held = None


@contextmanager
def static_sides(frames: Mapping[str, DataFrame]) -> Iterator[None]:
    """Hold the tables, by path, while the block lasts; a change is seen within `POLL_SECONDS`.

    When the block begins, the tables that exist are held: streams that start then need not read them, each for itself.
    """
    sides = {path: StaticSide(path, frame) for path, frame in frames.items()}
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=max(1, len(sides)), thread_name_prefix="static side") as pool:
        list(pool.map(_refresh, sides.items()))
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
    while not stop.wait(POLL_SECONDS):
        for side in sides.items():
            _refresh(side)


def _refresh(named: tuple[str, StaticSide]) -> None:
    path, side = named
    try:
        side.refresh()
    except TableNotFoundError:
        side.release()
    except Exception as fault:  # noqa: BLE001 - whatever one table raises must not freeze the others
        _log.warning("%s cannot be read now, and is tried again: %s", path, fault)
        side.release()
