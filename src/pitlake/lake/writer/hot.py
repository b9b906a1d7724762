"""Hot rows: the rows of a table that still change, in memory, with the files that hold them and nothing else.

A batch that touches hot rows only is applied here, and the files are replaced by one new file: 2 ms, where a MERGE that reads,
joins and writes the same rows takes 30 to 60 ms of CPU. The table stays the only truth: hot rows are read from it, and are given
up whenever they may differ from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pitlake.lake.commits import CommitNote
from pitlake.lake.layout import DataFile
from pitlake.lake.log import LoggedFile, Partition, TableLog, partitions_of
from pitlake.lake.rewrite import data_files, read_rows
from pitlake.lake.schemas import arrow_schema
from pitlake.lake.spec import TableSpec
from pitlake.lake.writer.keys import tuples

MOST_ROWS = 20_000
MOST_BYTES = 4 * 1024 * 1024
"""Of rows and of their files, more are not kept hot: to write 20 000 rows anew takes as long as a MERGE of a few."""

_ROUNDING = timedelta(milliseconds=1)
"""Statistics may tell a time in whole milliseconds."""

Key = tuple[Any, ...]
Orders = Callable[[pa.Table], Iterable[Any]]
"""Per row what it is compared by: of one key's rows the highest stands, of equals the later one."""


@dataclass(frozen=True)
class _Slot:
    position: int
    order: Any
    partition: Partition


@dataclass(frozen=True)
class _Rows:
    """Rows, where each key's stands, and the files that hold them and no other rows.

    They are all of the table's rows with a window from `start` on, or all there are where it is None; rows of older windows may
    be among them.
    """

    rows: pa.Table
    slots: Mapping[Key, _Slot]
    files: Mapping[Partition, Sequence[LoggedFile]]
    start: datetime | None


class HotRows:
    """The hot rows of one table: those with a window from `open_from` on, which tells it from the files; without it, all rows."""

    def __init__(self, spec: TableSpec, orders: Orders, open_from: Callable[[list[DataFile]], datetime] | None) -> None:
        self._schema, self._keys, self._window = arrow_schema(spec), spec.keys, spec.window
        self._orders, self._open_from = orders, open_from if spec.window else None
        self._hot: _Rows | None = None

    def write(
        self, log: TableLog, rows: pa.Table, deletes: Sequence[bool], note: CommitNote, transactions: Mapping[str, int]
    ) -> bool:
        """Commit `rows`, which have each key once, every one standing or deleting where it is not outranked.

        False, and nothing is done, where rows that are not hot may be concerned. When it raises, `forget` is due.
        """
        hot = self._hot or _read(log, self._schema, self._keys, self._orders, self._window, self._open_from)
        if hot is None or not _covers(hot, rows, self._window):
            return False
        self._hot = None
        slots, touched, positions = _applied(hot, self._entries(rows, log.partition_by, deletes))
        changed = pa.concat_tables([hot.rows, rows]).combine_chunks().take(pa.array(positions, pa.int64()))
        added = log.write(_inside(changed, slots, touched)) if touched else []
        log.commit(added, [file for each in touched for file in hot.files.get(each, ())], note, transactions)
        kept = {partition: files for partition, files in hot.files.items() if partition not in touched}
        self._hot = _if_small(_Rows(changed, slots, kept | {each.file.partition: [each.file] for each in added}, hot.start))
        return True

    def has(self, key: Key, order: Any) -> bool:
        """Whether the key's row is known to stand at that order or a higher one."""
        slot = self._hot.slots.get(key) if self._hot else None
        return slot is not None and bool(order <= slot.order)

    def forget(self) -> None:
        """Read them from the table again before the next use."""
        self._hot = None

    def _entries(self, rows: pa.Table, partition_by: Sequence[str], deletes: Sequence[bool]) -> Iterable[_Entry]:
        return zip(tuples(rows, self._keys), self._orders(rows), partitions_of(rows, partition_by), deletes, strict=True)


_Entry = tuple[Key, Any, Partition, bool]


def _covers(hot: _Rows, rows: pa.Table, window: str | None) -> bool:
    if hot.start is None or window is None:
        return True
    column = rows.column(window)
    return column.null_count == 0 and bool(pc.all(pc.greater_equal(column, pa.scalar(hot.start, column.type))).as_py())


def _applied(hot: _Rows, entries: Iterable[_Entry]) -> tuple[dict[Key, _Slot], set[Partition], list[int]]:
    """Where each key's row stands after `entries`, the partitions touched, and the rows' positions in hot rows and batch."""
    slots, touched, positions = dict(hot.slots), set[Partition](), list(range(hot.rows.num_rows))
    for at, (key, order, partition, delete) in enumerate(entries, hot.rows.num_rows):
        slot = slots.get(key)
        if slot is not None and order < slot.order:
            continue
        if slot is not None:
            touched.add(slot.partition)
        if not delete:
            touched.add(partition)
            position = len(positions) if slot is None else slot.position
            positions[position : position + 1] = [at]
            slots[key] = _Slot(position, order, partition)
        elif slot is not None:
            del slots[key]
    if len(slots) < len(positions):
        positions = [positions[slot.position] for slot in slots.values()]
        slots = {key: _Slot(at, slot.order, slot.partition) for at, (key, slot) in enumerate(slots.items())}
    return slots, touched, positions


def _inside(rows: pa.Table, slots: Mapping[Key, _Slot], partitions: set[Partition]) -> pa.Table:
    inside = sorted(slot.position for slot in slots.values() if slot.partition in partitions)
    return rows if len(inside) == rows.num_rows else rows.take(pa.array(inside, pa.int64()))


def _if_small(hot: _Rows) -> _Rows | None:
    size = sum(file.size for files in hot.files.values() for file in files)
    return hot if hot.rows.num_rows <= MOST_ROWS and size <= MOST_BYTES else None


def _read(
    log: TableLog,
    schema: pa.Schema,
    keys: Sequence[str],
    orders: Orders,
    window: str | None,
    open_from: Callable[[list[DataFile]], datetime] | None,
) -> _Rows | None:
    """The hot rows as the table has them, or None where they are too many or one key has two."""
    files = data_files(log.table, window)
    start = open_from(files) if open_from and files else None
    held = [file for file in files if start is None or file.high is None or file.high >= start - _ROUNDING]
    if sum(file.rows for file in held) > MOST_ROWS or sum(file.size for file in held) > MOST_BYTES:
        return None
    rows = read_rows(log.table, held, schema)
    entries = enumerate(zip(tuples(rows, keys), orders(rows), partitions_of(rows, log.partition_by), strict=True))
    slots = {key: _Slot(at, order, partition) for at, (key, order, partition) in entries}
    return _Rows(rows, slots, _logged(held, log.partition_by), start) if len(slots) == rows.num_rows else None


def _logged(files: Iterable[DataFile], partition_by: Sequence[str]) -> dict[Partition, list[LoggedFile]]:
    grouped: dict[Partition, list[LoggedFile]] = {}
    for file in files:
        values = dict(file.partition)
        partition = tuple(values[name] for name in partition_by)
        grouped.setdefault(partition, []).append(LoggedFile(file.logged, file.size, partition))
    return grouped
