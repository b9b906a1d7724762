"""The doors of all landing tables: opened for the tables there are, and for those made later when they are first asked for."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from pitlake.ingest.door import Door, Receipt
from pitlake.ingest.identity import digests
from pitlake.ingest.landing_log import LandingLog
from pitlake.ingest.metrics import Metrics, TableMetrics
from pitlake.ingest.tables import LandingTable, landing_tables
from pitlake.ingest.window import Window

WINDOW_RECORDS = 1_000_000
"""How far back from a topic's last record the keys of its records are known. It takes less than 46 MB for each table."""

ROOM_BYTES = 32 * 1024 * 1024
"""How much may be under way to a topic before those who send are made to wait."""


GROUP_BYTES = 8 * 1024 * 1024
"""How much is written at once when there is more."""


@dataclass(frozen=True)
class OpenTable:
    """A landing table to which one may write, and its figures."""

    name: str
    door: Door
    metrics: TableMetrics

    def submit(self, values: list[bytes], origin: bytes) -> Receipt:
        """Hand records to the door, and count them."""
        receipt = self.door.submit(values, origin)
        self.metrics.records.inc(len(values))
        self.metrics.bytes.inc(sum(map(len, values)))
        if receipt.duplicates:
            self.metrics.duplicates.inc(receipt.duplicates)
        return receipt

    def acknowledged(self, arrived: float) -> None:
        """Count an acknowledgement; the oldest of what it covers `arrived` then, by `time.perf_counter`."""
        self.metrics.acks.inc()
        self.metrics.latency.observe(time.perf_counter() - arrived)


class Doors:
    """All of it runs in one event loop, within a task group that ends when a door can write no more."""

    def __init__(self, bootstrap: str, metrics: Metrics, tasks: asyncio.TaskGroup) -> None:
        self._bootstrap = bootstrap
        self._metrics = metrics
        self._tasks = tasks
        self._open: dict[str, asyncio.Task[OpenTable]] = {}
        self._logs: list[LandingLog] = []
        self._doors: list[Door] = []
        self._running: list[asyncio.Task[None]] = []

    async def open_all(self) -> None:
        """Open the doors of all tables that there are. Raises BrokerError."""
        tables = await asyncio.to_thread(landing_tables, self._bootstrap)
        await asyncio.gather(*map(self._opened, tables.values()))

    async def find(self, name: str) -> OpenTable | None:
        """The table of that full name, or None when there is none. Raises BrokerError."""
        if found := self._open.get(name):
            return await asyncio.shield(found)
        tables = await asyncio.to_thread(landing_tables, self._bootstrap)
        return await self._opened(tables[name]) if name in tables else None

    async def drain(self) -> None:
        """Wait until nothing is under way."""
        while not all(door.is_idle for door in self._doors):
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """End the writing. What is still under way is left for the next owner to find out."""
        for log in self._logs:
            log.stop()
        await asyncio.gather(*self._open.values(), return_exceptions=True)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for log in self._logs:
            await asyncio.to_thread(log.close)

    async def _opened(self, table: LandingTable) -> OpenTable:
        """The table, opened once, whoever asks for it meanwhile."""
        if table.name not in self._open:
            # Outside of the task group: a table that cannot be opened now must not end the others.
            opening = self._open[table.name] = asyncio.create_task(self._opening(table))
            opening.add_done_callback(_look_at)
        return await asyncio.shield(self._open[table.name])

    async def _opening(self, table: LandingTable) -> OpenTable:
        log, window = LandingLog(self._bootstrap, table.topic), Window(WINDOW_RECORDS)
        self._logs.append(log)
        try:
            await asyncio.to_thread(_fill, log, window)
        except Exception:
            self._logs.remove(log)
            await asyncio.to_thread(log.close)
            del self._open[table.name]
            raise
        door = Door(log, window, group_bytes=GROUP_BYTES, room_bytes=ROOM_BYTES)
        self._doors.append(door)
        self._running.append(self._tasks.create_task(door.run()))
        return OpenTable(table.name, door, self._metrics.of(table.name))


def _look_at(opening: asyncio.Task[OpenTable]) -> None:
    """Its failure is for those who wait for it; when the last of them has gone, it is nobody's."""
    if not opening.cancelled():
        opening.exception()


def _fill(log: LandingLog, window: Window) -> None:
    for values in log.open(WINDOW_RECORDS):
        window.add(digests(values))
