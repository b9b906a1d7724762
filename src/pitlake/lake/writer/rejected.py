"""Records that are no row of their table, kept verbatim beside it: nothing is lost, and nothing wrong stops the writer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pyarrow as pa

from pitlake.lake.commits import app_id
from pitlake.lake.names import TableName
from pitlake.lake.writer.batches import Rejection
from pitlake.lake.writer.sidecar import Sidecar
from pitlake.streams.records import Record

SCHEMA = pa.schema(
    [
        pa.field("topic", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

_log = logging.getLogger(__name__)


def rejected_path(lake: str, table: TableName) -> str:
    """Where a table's rejected records lie."""
    return table.path(f"{lake.rstrip('/')}/_rejected")


class RejectedRecords:
    """The rejected records of one table, each once."""

    def __init__(self, lake: str, table: TableName, topic: str) -> None:
        self._table, self._topic = table, topic
        self._sidecar = Sidecar(rejected_path(lake, table), SCHEMA)

    def keep(self, rejections: Sequence[Rejection], offsets: Mapping[str, int]) -> None:
        """Store what has not been stored before; `offsets` are those of the commit that the records belong to."""
        new = [each for each in rejections if self._is_new(each.record)]
        if new:
            self._sidecar.append(_rows(self._topic, new), offsets)
        for each in new:
            where = f"{self._topic}/{each.record.partition}@{each.record.offset}"
            _log.error("%s: rejected %s: %s", self._table, where, each.reason)

    def tidy(self) -> None:
        """Keep the sidecar's files few."""
        self._sidecar.tidy()

    def _is_new(self, record: Record) -> bool:
        return record.offset >= self._sidecar.next_offset(app_id(self._topic, record.partition))


def _rows(topic: str, rejections: Sequence[Rejection]) -> pa.Table:
    records = [each.record for each in rejections]
    times = pa.array([record.timestamp for record in records], pa.timestamp("ms", "UTC"))
    columns = [
        pa.array([topic] * len(records)),
        pa.array([record.partition for record in records], pa.int32()),
        pa.array([record.offset for record in records], pa.int64()),
        times.cast(pa.timestamp("us", "UTC")),
        pa.array([record.key for record in records], pa.binary()),
        pa.array([record.value for record in records], pa.binary()),
        pa.array([each.reason for each in rejections], pa.string()),
    ]
    return pa.table(columns, schema=SCHEMA)
