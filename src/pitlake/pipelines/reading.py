"""Reading by name inside a query function: the `spark` that a pipeline file is given, and who resolves the names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql.streaming import DataStreamReader

from pitlake.pipelines.locations import caller_location, error_at


class Reader(Protocol):
    """Resolves names to DataFrames; the engine is one."""

    @property
    def session(self) -> SparkSession:
        """The session to which everything that is not reading by name is delegated."""

    def stream(self, name: str) -> DataFrame:
        """What `spark.readStream.table(name)` stands for. Raises DefinitionError for a name that is no stream."""

    def batch(self, name: str) -> DataFrame:
        """What `spark.read.table(name)` stands for. Raises DefinitionError for a name that is no table."""


_reader: ContextVar[Reader | None] = ContextVar("reader", default=None)


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Let `reader` resolve the names that are read inside."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


def current_reader() -> Reader:
    """Who resolves names now. Raises DefinitionError outside a query function."""
    reader = _reader.get()
    if reader is None:
        raise error_at(
            caller_location(),
            "something is read while the pipeline is being defined",
            "Read inside the decorated functions only; they are called when the pipeline is planned.",
        )
    return reader


class PipelineSpark:
    """The `spark` of a pipeline file: reads of names are the pipeline's, everything else is the real session's.

    Options set before `.table(name)` have no meaning for a name of the pipeline and are passed over.
    """

    @property
    def readStream(self) -> _Reads:  # noqa: N802  (Spark's name)
        """Streams: `spark.readStream.table(name)`."""
        return _Reads(current_reader().stream, lambda: current_reader().session.readStream)

    @property
    def read(self) -> _Reads:
        """Tables: `spark.read.table(name)`."""
        return _Reads(current_reader().batch, lambda: current_reader().session.read)

    def table(self, name: str) -> DataFrame:
        """The same as `spark.read.table(name)`."""
        return current_reader().batch(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(current_reader().session, name)


class _Reads:
    def __init__(self, resolve: Callable[[str], DataFrame], reader: Callable[[], DataFrameReader | DataStreamReader]) -> None:
        self._resolve = resolve
        self._reader = reader

    def table(self, name: str) -> DataFrame:
        return self._resolve(name)

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._reader(), name)
        if not callable(member):
            return member

        def call(*args: Any, **kwargs: Any) -> Any:
            result = member(*args, **kwargs)
            still_reading = isinstance(result, DataFrameReader | DataStreamReader)
            return _Reads(self._resolve, lambda: result) if still_reading else result

        return call
