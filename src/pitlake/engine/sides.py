"""Static sides of streaming joins: copies of Delta tables in Spark's memory, made anew when a table has changed.

Spark joins a batch with whatever a side holds when the batch starts. Spark reads Delta through Python workers, which take seconds
to begin; the engine reads it itself, and Spark gets a copy in Parquet, which it reads without them.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from pitlake.errors import LakeError
from pitlake.lake.source import opened, rows_as, struct_of

POLL_SECONDS = 1.0

_DRAFT = "_draft"
"""Spark leaves out files whose names begin so."""

_SINCE = "2000-01-01T00:00:00"
"""Spark leaves out files that were modified before. A copy that is no longer the newest is dated back and not deleted, as a batch
that has begun with it may yet read it: Spark asks for the files when it plans, and for their rows when a task begins."""
_LONG_AGO = 0.0
_KEPT_SECONDS = 600.0
_COPIES = "sides-"
_GLOB = re.compile(r"([\[\]{}*?\\])")
"""What Spark would not take for itself in a path that it is to read."""

_log = logging.getLogger(__name__)


class StaticSide:
    """One table, at `path`, whose copy of the columns in `schema` is in `folder`, which is made.

    `frame` stands for it in the streams' queries. It is empty until the first `refresh`. For one thread at a time.
    """

    def __init__(self, session: SparkSession, path: str, schema: StructType, folder: Path) -> None:
        folder.mkdir()
        self._session, self._path, self._schema, self._folder = session, path, schema, folder
        self._place = f"file://{folder}"  # as it is: Hadoop does not decode what a URI has to encode
        self.frame: DataFrame = (
            session.read.schema(schema).option("modifiedAfter", _SINCE).parquet(_GLOB.sub(r"\\\1", self._place))
        )
        self._copied: tuple[str, int] | None = None
        self._held: tuple[str, int] | None = None

    def refresh(self) -> bool:
        """Hold the table's present rows, if it has changed; whether it had. Raises deltalake's, Arrow's and Spark's errors.

        A table made anew has changed, whatever its version. What was held stays until the new rows are there.
        """
        table = DeltaTable(self._path)
        found = (str(table.metadata().id), table.version())
        if found == self._held:
            return False
        # Before the files change: a batch that begins meanwhile has the rows of before. Besides,
        # `refreshByPath` looks at held frames only.
        self.frame.persist()
        if found != self._copied:
            self._copy(table)
            self._copied = found
        self._session.catalog.refreshByPath(self._place)
        self.frame.count()
        self._held = found
        return True

    def release(self) -> None:
        """Hold nothing."""
        self.frame.unpersist()

    def _copy(self, table: DeltaTable) -> None:
        draft = self._folder / _DRAFT
        with pq.ParquetWriter(draft, to_arrow_schema(self._schema, timezone="UTC")) as writer:
            for batch in rows_as(self._schema, table):
                writer.write_batch(batch)
        for before in self._folder.glob("*.parquet"):
            state = before.stat()
            if state.st_mtime != _LONG_AGO:
                os.utime(before, (_LONG_AGO, _LONG_AGO))
            elif state.st_ctime < time.time() - _KEPT_SECONDS:
                before.unlink()
        draft.rename(self._folder / f"{uuid.uuid4().hex}.parquet")


class StaticSides:
    """The tables that are held while the block lasts, by path; a change of one is seen within `POLL_SECONDS`.

    Their copies are below `folder`, which every executor must see.
    """

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session = session
        self._folder = folder.resolve() / f"{_COPIES}{os.getpid()}"
        self._sides: dict[str, StaticSide] = {}
        self._held: frozenset[str] = frozenset()
        self._faults: dict[str, str] = {}
        self._stop = threading.Event()
        # A side is for one thread. Besides, what the first one's job has loaded and compiled serves the others.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="static side")
        self._polling = threading.Thread(target=self._poll, name="static sides", daemon=True)

    def open(self, path: str, schema: StructType | None = None) -> DataFrame:
        """The frame that stands for the table at `path`, with the columns of `schema`, or else the table's own.

        A table that exists, as one of which no schema is given must, begins to be held, and this returns at once. Of one with a
        schema, which the pipeline itself keeps, that is left to `hold`: it may be large, and no stream may be joined with it.
        Raises LakeError for a table that does not exist.
        """
        if path not in self._sides:
            columns = struct_of(opened(path)) if schema is None else schema
            self._sides[path] = StaticSide(self._session, path, columns, self._folder / str(len(self._sides)))
            if schema is None:
                self._pool.submit(self._sides[path].refresh)  # that it fails is found by `hold`, if it is wanted
        return self._sides[path].frame

    def hold(self, paths: Collection[str]) -> None:
        """Hold the present rows of these of the tables opened, too, when it returns, and look for changes from now on.

        Raises LakeError for one that cannot be read: streams would be joined with nothing.
        """
        for path, refreshed in {path: self._pool.submit(self._sides[path].refresh) for path in paths}.items():
            try:
                refreshed.result()
            except Exception as fault:  # whatever a table or Spark raises
                what = f"{path} cannot be read, and streams are joined with it: {fault}"
                raise LakeError(what, do="See that the table is there and can be read, then start again.") from fault
        self._held |= set(paths)
        if self._polling.ident is None:
            self._polling.start()

    def keep(self, paths: Collection[str]) -> None:
        """The same, and hold no others."""
        self.hold(paths)
        self._held = frozenset(paths)
        for path in self._sides.keys() - self._held:
            self._pool.submit(self._sides[path].release)

    def __enter__(self) -> Self:
        for left in self._folder.parent.glob(f"{_COPIES}*"):
            if not psutil.pid_exists(int(left.name.removeprefix(_COPIES))):
                shutil.rmtree(left, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        if self._polling.is_alive():
            self._polling.join()
        self._pool.shutdown(cancel_futures=True)
        for side in self._sides.values():
            side.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for path in self._held:
                self._pool.submit(self._look_at, path, self._sides[path]).result()

    def _look_at(self, path: str, side: StaticSide) -> None:
        """Streams go on with the rows that are held where a table cannot be read now."""
        try:
            side.refresh()
        except TableNotFoundError:
            self._tell(path, "it is not there")
        except Exception as fault:  # noqa: BLE001 - whatever one table raises must not freeze the others
            self._tell(path, str(fault))
        else:
            self._faults.pop(path, None)

    def _tell(self, path: str, fault: str) -> None:
        if self._faults.get(path) != fault:
            self._faults[path] = fault
            _log.warning("%s cannot be read now, and is tried again; streams keep the rows that it had: %s", path, fault)
