"""The door of a landing table: known records are refused, the others are gathered and written group by group."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from pitlake.ingest.identity import digests, source_of
from pitlake.ingest.window import Window
from pitlake.streams.transactions import Outgoing

_OVERHEAD_BYTES = 100
"""What a record takes besides its content: so many small ones do not push each other out of the window while under way."""


class Log(Protocol):
    """Where the records go: a group is sent while the one before is committed. Both block, and raise when they fail."""

    def send(self, records: Sequence[Outgoing]) -> None:
        """See LandingLog."""

    def commit(self) -> None:
        """See LandingLog."""


@dataclass
class Group:
    """Records that are written together. `written` is done as soon as they are durable, and cancelled when they may not be."""

    written: asyncio.Future[None]
    records: list[Outgoing] = field(default_factory=list)
    size: int = 0

    @property
    def is_durable(self) -> bool:
        """Whether the records may be acknowledged."""
        return self.written.done() and not self.written.cancelled()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What becomes of a submission: when `group` is written all of its records are durable; None when they are already."""

    group: Group | None
    duplicates: int


class Door:
    """One landing table's. All of it runs in one event loop, the log in threads of its own.

    `window` holds the keys of what is durable, and takes in those of what comes. A record that it knows may yet be under way;
    groups are written one after the other, so once the newest is durable that record is too. After a failure nothing more is
    written, so the window need not forget. A group takes no more once it has `group_bytes`, so that the next one fills while it
    is written. While `room_bytes` are under way, `room` makes those wait who would bring more.
    """

    def __init__(self, log: Log, window: Window, *, group_bytes: int, room_bytes: int) -> None:
        self._log = log
        self._window = window
        self._group_bytes = group_bytes
        self._room_bytes = room_bytes
        self._bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._has_records = asyncio.Event()
        self._waiting: deque[Group] = deque()
        self._sent: asyncio.Queue[Group] = asyncio.Queue()
        self._under_way: deque[Group] = deque()
        """All groups that are not written yet, in their order: those that are sent and those that wait."""
        self._has_ended = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    async def room(self) -> None:
        """Wait until there is room for more."""
        await self._has_room.wait()

    def submit(self, values: Sequence[bytes], origin: bytes) -> Receipt:
        """Take records; those that name no source keep their order among those of the same `origin`."""
        by_digest = dict(zip(digests(values), values, strict=True))
        for known in self._window.add(by_digest):
            del by_digest[known]
        fresh = [(value, source_of(value, origin)) for value in by_digest.values()]
        if fresh:
            self._gather(fresh)
        return Receipt(self._under_way[-1] if self._under_way else None, len(values) - len(fresh))

    async def run(self) -> None:
        """Write group after group, until cancelled. Raises what the log raises; those who wait for a group are cancelled."""
        threads = ThreadPoolExecutor(2, "landing-log")
        stages = [asyncio.create_task(self._send(threads)), asyncio.create_task(self._commit(threads))]
        try:
            await asyncio.gather(*stages)
        finally:
            for stage in stages:
                stage.cancel()
            threads.shutdown(wait=False)
            self._has_ended = True
            self._has_room.set()
            for group in self._under_way:
                group.written.cancel()

    async def _send(self, threads: ThreadPoolExecutor) -> None:
        while True:
            await self._has_records.wait()
            group = self._waiting.popleft()
            if not self._waiting:
                self._has_records.clear()
            await asyncio.get_running_loop().run_in_executor(threads, self._log.send, group.records)
            # The log may have two groups that are not committed: the next one is sent when this one is the only one.
            await self._sent.join()
            self._sent.put_nowait(group)

    async def _commit(self, threads: ThreadPoolExecutor) -> None:
        while True:
            group = await self._sent.get()
            await asyncio.get_running_loop().run_in_executor(threads, self._log.commit)
            self._under_way.popleft()
            self._bytes -= group.size
            if self._bytes < self._room_bytes:
                self._has_room.set()
            group.written.set_result(None)
            self._sent.task_done()

    def _gather(self, records: list[Outgoing]) -> None:
        if not self._waiting or self._waiting[-1].size >= self._group_bytes:
            group = Group(asyncio.get_running_loop().create_future())
            self._waiting.append(group)
            self._under_way.append(group)
            if self._has_ended:
                group.written.cancel()
        group = self._waiting[-1]
        size = sum(len(record[0]) for record in records) + _OVERHEAD_BYTES * len(records)
        group.records += records
        group.size += size
        self._bytes += size
        self._has_records.set()
        if self._bytes >= self._room_bytes and not self._has_ended:
            self._has_room.clear()
