"""Static sides of streaming joins, held in Spark's memory and read again when their Delta table has changed.

Spark joins a batch with whatever a side holds when the batch starts. Read through Python each time, the sides are most of the
time between two batches; held in memory, they are none of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

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


class StaticSides:
    """The tables that are held while the block lasts, by path; a change of one is seen within `POLL_SECONDS`."""

    def __init__(self) -> None:
        self._sides: dict[str, StaticSide] = {}
        self._holding: dict[str, Future[None]] = {}
        self._stop = threading.Event()
        # One after the other: Spark then reads all of them with the Python workers of the first. At once, each starts its own.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="static side")
        self._polling = threading.Thread(target=self._poll, name="static sides", daemon=True)

    def hold(self, path: str, frame: DataFrame) -> None:
        """Begin to hold a table, if it exists, and return at once. They are read by Python workers that take a while to start."""
        if path not in self._sides:
            self._sides[path] = StaticSide(path, frame)
            self._holding[path] = self._pool.submit(_refresh, path, self._sides[path])

    def keep(self, frames: Mapping[str, DataFrame]) -> None:
        """Hold these tables and no others, and look for changes from now on; those that exist are held when it returns.

        Streams that start then need not read them, each for itself.
        """
        for path, frame in frames.items():
            self.hold(path, frame)
        wait(self._holding.values())
        for path in self._sides.keys() - frames.keys():
            self._sides.pop(path).release()
        self._polling.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._pool.shutdown()
        if self._polling.is_alive():
            self._polling.join()
        for side in self._sides.values():
            side.release()

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for path, side in self._sides.items():
                _refresh(path, side)


def _refresh(path: str, side: StaticSide) -> None:
    try:
        side.refresh()
    except TableNotFoundError:
        side.release()
    except Exception as fault:  # noqa: BLE001 - whatever one table raises must not freeze the others
        _log.warning("%s cannot be read now, and is tried again: %s", path, fault)
        side.release()
