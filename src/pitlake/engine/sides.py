"""Static sides of streaming joins: copies of Delta tables in Spark's memory, made anew when a table has changed.

Spark joins a batch with whatever a side holds when the batch starts. Spark reads Delta through Python workers, which take seconds
to begin; the engine reads it itself, and Spark gets a copy in Parquet, which it reads without them.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

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

_log = logging.getLogger(__name__)


class StaticSide:
    """One table, at `path`, whose copy of the columns in `schema` is in `folder`, which is made.

    `frame` stands for it in the streams' queries. It is empty until the first `refresh`.
    """

    def __init__(self, session: SparkSession, path: str, schema: StructType, folder: Path) -> None:
        folder.mkdir()
        self._session, self._path, self._schema, self._folder = session, path, schema, folder
        self.frame: DataFrame = session.read.schema(schema).option("modifiedAfter", _SINCE).parquet(folder.as_uri())
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
        self._copy(table)
        self._session.catalog.refreshByPath(self._folder.as_uri())
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
            if before.stat().st_mtime == _LONG_AGO:
                before.unlink()
            else:
                os.utime(before, (_LONG_AGO, _LONG_AGO))
        draft.rename(self._folder / f"{uuid.uuid4().hex}.parquet")


class StaticSides:
    """The tables that are held while the block lasts, by path; a change of one is seen within `POLL_SECONDS`.

    Their copies are in `folder`, which every executor must see.
    """

    def __init__(self, session: SparkSession, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._session = session
        self._folder = Path(tempfile.mkdtemp(prefix="sides-", dir=folder.resolve()))
        self._sides: dict[str, StaticSide] = {}
        self._holding: dict[str, Future[bool]] = {}
        self._faults: dict[str, str] = {}
        self._stop = threading.Event()
        # One after the other: what the first one's job has loaded and compiled serves the others.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="static side")
        self._polling = threading.Thread(target=self._poll, name="static sides", daemon=True)

    def open(self, path: str, schema: StructType | None = None) -> DataFrame:
        """The frame that stands for the table at `path`, with the columns of `schema`, or else the table's own.

        A table that exists, as one of which no schema is given must, begins to be held, and this returns at once. Of one with a
        schema, which the pipeline itself keeps, that is left to `keep`: it may be large, and no stream may be joined with it.
        Raises LakeError for a table that does not exist.
        """
        if path not in self._sides:
            columns = struct_of(opened(path)) if schema is None else schema
            self._sides[path] = StaticSide(self._session, path, columns, self._folder / str(len(self._sides)))
            if schema is None:
                self._hold(path)
        return self._sides[path].frame

    def hold(self, paths: Collection[str]) -> None:
        """Hold these of the tables opened; they are held when it returns.

        Raises LakeError for one that cannot be read: streams would be joined with nothing.
        """
        for path in paths:
            self._hold(path)
        for path in paths:
            try:
                self._holding[path].result()
            except Exception as fault:  # whatever a table or Spark raises
                what = f"{path} cannot be read, and streams are joined with it: {fault}"
                raise LakeError(what, do="See that the table is there and can be read, then start again.") from fault

    def keep(self, paths: Collection[str]) -> None:
        """Hold these and no others, as `hold` does, and look for changes from now on."""
        self.hold(paths)
        for path in self._sides.keys() - set(paths):
            self._sides.pop(path).release()
        self._polling.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        if self._polling.is_alive():
            self._polling.join()
        for side in self._sides.values():
            side.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _hold(self, path: str) -> None:
        if path not in self._holding:
            self._holding[path] = self._pool.submit(self._sides[path].refresh)

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for path, side in self._sides.items():
                self._refresh(path, side)

    def _refresh(self, path: str, side: StaticSide) -> None:
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
