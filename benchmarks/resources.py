"""What a contender costs: processor time and resident memory of its whole process tree."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

import psutil

_EVERY_SECONDS = 1.0
_MEMORY_EVERY = 5
"""Looks. The kernel walks all pages of a process to tell which of them it shares."""


class Meter:
    """Watches process trees from a thread while its block lasts.

    A process that has ended keeps what it had used when it was last seen. Memory is the proportional set size: what processes
    share is counted once, and memory that a forked worker has not touched is not counted again.
    """

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = [psutil.Process(root) for root in roots]
        self._before: dict[int, float] = {}
        self._after: dict[int, float] = {}
        self._bytes: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def cpu_seconds(self) -> float:
        """Processor time, user and system, since the block began."""
        return sum(after - self._before.get(pid, 0.0) for pid, after in self._after.items())

    @property
    def memory_mb(self) -> float:
        """The median resident memory in MB."""
        return statistics.median(self._bytes) / 1e6

    def __enter__(self) -> Self:
        self._before = _cpu(self._tree())
        self._look(with_memory=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look(with_memory=True)

    def _watch(self) -> None:
        looks = 0
        while not self._over.wait(_EVERY_SECONDS):
            looks += 1
            self._look(with_memory=looks % _MEMORY_EVERY == 0)

    def _look(self, *, with_memory: bool) -> None:
        tree = self._tree()
        self._after |= _cpu(tree)
        if with_memory:
            self._bytes.append(sum(map(_resident, tree)))

    def _tree(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                found |= {process.pid: process for process in (root, *root.children(recursive=True))}
        return list(found.values())


def _cpu(processes: Iterable[psutil.Process]) -> dict[int, float]:
    times: dict[int, float] = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            times[process.pid] = used.user + used.system
    return times


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
