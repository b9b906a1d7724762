"""Which of a table's files to write anew, and how to cut them: pure plans, from the files' sizes and windows.

Size tiers (append tables): a file is merged with others of its own size class only, eight at a time and more, so each row is
rewritten once per class and a run's cost is bounded.

Windows (upsert tables): closed windows are cut off from open ones, so that the files a MERGE rewrites stay small, and are merged
per hour once the hour is closed, per day once the day has been closed for a day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice, pairwise

SMALLEST_CLASS = 512 * 1024
MERGED_TOGETHER = 8
MOST_TOGETHER = 64
"""Files that one merge reads at most: measured, 0.1 s of CPU, 0.05 s of it for the commit. What is left is the next one's."""

LARGEST_REWRITE = 16 * 1024 * 1024
"""Bytes of files that one plan reads at most."""

DAY_RESTS = timedelta(days=1)

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class DataFile:
    """A file of the table; `partition` are its partition values, `low` and `high` its first and last window (UTC).

    `logged` is its path as the log spells it, where that matters.
    """

    path: str
    size: int
    rows: int
    modified: int = 0
    partition: tuple[tuple[str, str | None], ...] = ()
    low: datetime | None = None
    high: datetime | None = None
    logged: str = ""


@dataclass(frozen=True)
class Rewrite:
    """Files of one partition to write anew as one file for each stretch of windows between `cuts`."""

    files: tuple[DataFile, ...]
    cuts: tuple[datetime, ...] = ()


def by_size(files: Iterable[DataFile]) -> Rewrite | None:
    """The merge of small files that is most worth while, or None."""
    plans = [plan for group in _by_partition(files) for plan in _size_plans(group)]
    return max(plans, key=lambda plan: len(plan.files), default=None)


def by_window(files: Iterable[DataFile], open_from: datetime) -> Rewrite | None:
    """The next cut or merge of files, where windows that start at `open_from` or later may still change; None when all is well.

    Files whose windows are not known are left as they are.
    """
    known = [file for file in files if file.low is not None and file.high is not None]
    plans = (plan for group in _by_partition(known) for plan in _window_plans(group, open_from))
    return next(plans, None)


def _by_partition(files: Iterable[DataFile]) -> Iterator[list[DataFile]]:
    ordered = sorted(files, key=lambda file: (repr(file.partition), file.modified, file.path))
    return (list(group) for _, group in groupby(ordered, key=lambda file: file.partition))


def _size_plans(files: Sequence[DataFile]) -> Iterator[Rewrite]:
    by_class = sorted(files, key=lambda file: _size_class(file.size))
    for _, group in groupby(by_class, key=lambda file: _size_class(file.size)):
        together = tuple(islice(_within(group, LARGEST_REWRITE), MOST_TOGETHER))
        if len(together) >= MERGED_TOGETHER:
            yield Rewrite(together)


def _size_class(size: int) -> int:
    return 0 if size < SMALLEST_CLASS else 1 + int(math.log(size / SMALLEST_CLASS, MERGED_TOGETHER))


def _within(files: Iterable[DataFile], size: int) -> Iterator[DataFile]:
    for file in files:
        size -= file.size
        if size < 0:
            return
        yield file


def _window_plans(files: Sequence[DataFile], open_from: datetime) -> Iterator[Rewrite]:
    low, high = min(_low(file) for file in files), max(_high(file) for file in files)
    cuts = tuple(_cuts(low, high, open_from))
    for start, end in pairwise((datetime.min.replace(tzinfo=low.tzinfo), *cuts)):
        inside = tuple(file for file in files if _low(file) < end and _high(file) >= start)
        straddling = [file for file in inside if _high(file) >= end]
        if straddling:
            yield Rewrite(tuple(_within(straddling, LARGEST_REWRITE)) or tuple(straddling[:1]), cuts)
        elif end != open_from and len(inside) > 1 and sum(file.size for file in inside) <= LARGEST_REWRITE:
            yield Rewrite(inside)


def _cuts(low: datetime, high: datetime, open_from: datetime) -> Iterator[datetime]:
    """The ends of the closed stretches from `low` on: days that have rested, then hours, then what is closed of the open hour."""
    start = low
    while start < open_from and start <= high:
        end = _stretch_end(start, open_from)
        yield end
        start = end


def _stretch_end(start: datetime, open_from: datetime) -> datetime:
    day = start.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    if day + DAY_RESTS <= open_from:
        return day
    hour = start.replace(minute=0, second=0, microsecond=0) + _HOUR
    return min(hour, open_from)


def _low(file: DataFile) -> datetime:
    if file.low is None:
        raise ValueError(f"{file.path} has no window")
    return file.low


def _high(file: DataFile) -> datetime:
    if file.high is None:
        raise ValueError(f"{file.path} has no window")
    return file.high
