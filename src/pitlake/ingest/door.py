"""The door of a landing table: known records are refused, the others are gathered and written group by group."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from pitlake.ingest.identity import KEY_HEADER, digest, source_of
from pitlake.ingest.window import Window
from pitlake.streams.transactions import Outgoing


class Log(Protocol):
    """Where the records go; `write` blocks until they are durable, or raises."""

    def write(self, records: Sequence[Outgoing]) -> None:
        """See LandingLog."""


@dataclass
class Group:
    """Records that are written together. `written` is done as soon as they are durable, and cancelled when they may not be."""

    number: int
    written: asyncio.Future[None]
    records: list[Outgoing] = field(default_factory=list)
    size: int = 0

    @property
    def is_durable(self) -> bool:
        """Whether the records may be acknowledged."""
        return self.written.done() and not self.written.cancelled()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission: `group` is the last one that any of its records is in, None when all are durable already."""

    group: Group | None
    duplicates: int


class Door:
    """One landing table's. All of it runs in one event loop, the writing in a thread of its own.

    `window` holds the keys of what is durable; what is under way is known besides. A group takes no more once it has
    `group_bytes`, so that the next one fills while it is written. While `room_bytes` are under way, `room` makes those wait who
    would bring more.
    """

    def __init__(self, log: Log, window: Window, *, group_bytes: int, room_bytes: int) -> None:
        self._log = log
        self._window = window
        self._group_bytes = group_bytes
        self._room_bytes = room_bytes
        self._under_way: dict[bytes, Group] = {}
        self._bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._has_records = asyncio.Event()
        self._groups = deque([self._new_group(0)])

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    async def room(self) -> None:
        """Wait until there is room for more."""
        await self._has_room.wait()

    def submit(self, values: Sequence[bytes], origin: bytes) -> Receipt:
        """Take records; those that name no source keep their order among those of the same `origin`."""
        group = self._open_group()
        last: Group | None = None
        duplicates = 0
        for value in values:
            key = digest(value)
            if known := self._under_way.get(key):
                duplicates += 1
                last = known if last is None or known.number > last.number else last
            elif key in self._window:
                duplicates += 1
            else:
                last = self._under_way[key] = group
                group.records.append((value, source_of(value, origin), [(KEY_HEADER, key)]))
                group.size += len(value)
                self._bytes += len(value)
        if last is group:
            self._has_records.set()
            if self._bytes >= self._room_bytes:
                self._has_room.clear()
        return Receipt(last, duplicates)

    async def run(self) -> None:
        """Write group after group, until cancelled. Raises what the log raises; those who wait for a group are cancelled."""
        thread = ThreadPoolExecutor(1, "landing-log")
        try:
            while True:
                await self._has_records.wait()
                await self._write_oldest(thread)
        finally:
            for group in self._groups:
                group.written.cancel()
            thread.shutdown(wait=False)

    async def _write_oldest(self, thread: ThreadPoolExecutor) -> None:
        group = self._groups.popleft()
        if not self._groups:
            self._groups.append(self._new_group(group.number + 1))
            self._has_records.clear()
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._log.write, group.records)
        except BaseException:
            group.written.cancel()
            raise
        self._settle(group)

    def _settle(self, group: Group) -> None:
        for _value, _source, ((_name, key),) in group.records:
            self._window.add(key)
            del self._under_way[key]
        self._bytes -= group.size
        if self._bytes < self._room_bytes:
            self._has_room.set()
        group.written.set_result(None)

    def _open_group(self) -> Group:
        """The group that takes the next records."""
        newest = self._groups[-1]
        if newest.size >= self._group_bytes:
            newest = self._new_group(newest.number + 1)
            self._groups.append(newest)
        return newest

    @staticmethod
    def _new_group(number: int) -> Group:
        return Group(number, asyncio.get_running_loop().create_future())
