"""What a batch of stored rows says about itself: expectation tallies and stage latencies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pitlake.lake.commits import Stage, Tally
from pitlake.lake.latency import Histogram
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.batches import Batch
from pitlake.streams.envelope import failed_of

_US = pa.timestamp("us", "UTC")


def tallies(spec: TableSpec, stored: Batch) -> dict[str, Tally]:
    """How many of the stored rows met each of the spec's expectations, by the records' `failed` headers."""
    failed = Counter(name for record in stored.records for name in failed_of(record.headers))
    return {name: Tally(passed=len(stored) - failed[name], failed=failed[name]) for name in spec.expectations}


def latencies(spec: TableSpec, stored: Batch, started: int) -> dict[Stage, Histogram]:
    """The stored rows' latency per stage; `started`, in milliseconds since the epoch, is when their commit began."""
    return {stage: Histogram.of(seconds) for stage, seconds in _stages(spec, stored, started)} if len(stored) else {}


def _stages(spec: TableSpec, stored: Batch, started: int) -> Iterator[tuple[Stage, pa.ChunkedArray]]:
    processed = pa.chunked_array([pa.array([record.timestamp * 1000 for record in stored.records], pa.int64()).cast(_US)])
    if spec.event_time and spec.ingestion_time:
        yield "event_to_ingestion", _seconds(_times(stored, spec.event_time), _times(stored, spec.ingestion_time))
    if spec.ingestion_time:
        yield "ingestion_to_processed", _seconds(_times(stored, spec.ingestion_time), processed)
    began = pa.scalar(started * 1000, pa.int64()).cast(_US)
    if spec.event_time:
        yield "event_to_commit", _seconds(_times(stored, spec.event_time), began)
    yield "processed_to_commit", _seconds(processed, began)


def _times(stored: Batch, column: str) -> pa.ChunkedArray:
    return stored.rows.column(column)


def _seconds(start: pa.ChunkedArray, end: pa.ChunkedArray | pa.Scalar) -> pa.ChunkedArray:
    return pc.divide(pc.subtract(end, start).cast(pa.int64()).cast(pa.float64()), 1e6)
