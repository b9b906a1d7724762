"""What a contender costs: processor time and resident memory of its whole process tree."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

import psutil

_EVERY_SECONDS = 5.0


class Meter:
    """Watches process trees from a thread while its block lasts.

    The roots must adopt orphans, as guards do: the cost of a process that leaves its tree is lost. Memory is the proportional set
    size: what processes share is counted once, and memory that a forked worker has not touched is not counted again.
    """

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = [psutil.Process(root) for root in roots]
        self._bytes: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.cpu_seconds = 0.0
        """Processor time, user and system, that was used within the block; known at its end."""

    @property
    def memory_mb(self) -> float:
        """The median resident memory in MB."""
        return statistics.median(self._bytes) / 1e6

    def __enter__(self) -> Self:
        self.cpu_seconds = -self._cpu_seconds()
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_seconds += self._cpu_seconds()
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        # The kernel walks all pages of a process for this, so it is not done often.
        self._bytes.append(sum(map(_resident, self._tree())))

    def _cpu_seconds(self) -> float:
        """What all processes of the trees have used, with those that have ended: their parents have taken that over."""
        return sum(map(_cpu, self._tree()))

    def _tree(self) -> list[psutil.Process]:
        found: dict[int, psutil.Process] = {}
        for root in self._roots:
            with suppress(psutil.NoSuchProcess):
                found |= {process.pid: process for process in (root, *root.children(recursive=True))}
        return list(found.values())


def _cpu(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
