"""The door: known records are refused, those under way share their fate, and who brings too much waits."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pitlake.ingest.door import Door
from pitlake.ingest.window import Window


class _Log:
    """Keeps what is written, and commits a group only when told."""

    def __init__(self):
        self.written, self.sent = [], []
        self._permits = threading.Semaphore(0)
        self.failure = None

    def send(self, records):
        self.sent.append([value for value, _key in records])

    def commit(self):
        self._permits.acquire()
        if self.failure:
            raise self.failure
        self.written.append(self.sent[len(self.written)])

    def let_through(self, groups):
        for _ in range(groups):
            self._permits.release()


def _run(scenario, *, group_bytes=1000, room_bytes=1000):
    """Run a scenario with a door that is at work."""

    async def main():
        log = _Log()
        door = Door(log, Window(1000), group_bytes=group_bytes, room_bytes=room_bytes)
        working = asyncio.create_task(door.run())
        try:
            await scenario(door, log, working)
        finally:
            log.let_through(10)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    asyncio.run(main())


def test_what_arrives_while_a_group_is_written_is_the_next_group():
    async def scenario(door, log, _):
        first = door.submit([b"1"], b"")
        await asyncio.sleep(0.05)
        second, third = door.submit([b"2"], b""), door.submit([b"3"], b"")
        assert second.group is third.group is not first.group
        log.let_through(2)
        await third.group.written
        assert log.written == [[b"1"], [b"2", b"3"]]

    _run(scenario)


def test_a_group_is_sent_while_the_one_before_is_committed():
    async def scenario(door, log, _):
        groups = []
        for value in (b"1", b"2", b"3"):
            groups.append(door.submit([value], b"").group)
            await asyncio.sleep(0.05)
        assert (log.sent, log.written) == ([[b"1"], [b"2"]], [])
        log.let_through(3)
        await groups[-1].written
        assert log.written == [[b"1"], [b"2"], [b"3"]]

    _run(scenario)


def test_a_record_under_way_is_not_written_again_and_shares_the_fate_of_the_first():
    async def scenario(door, log, _):
        first = door.submit([b"1"], b"")
        await asyncio.sleep(0.05)
        again = door.submit([b"1"], b"")
        assert (again.group, again.duplicates) == (first.group, 1)
        log.let_through(1)
        await again.group.written
        assert log.written == [[b"1"]]

    _run(scenario)


def test_a_durable_record_needs_no_waiting():
    async def scenario(door, log, _):
        log.let_through(1)
        await door.submit([b"1"], b"").group.written
        again = door.submit([b"1"], b"")
        assert (again.group, again.duplicates) == (None, 1)

    _run(scenario)


def test_a_submission_waits_for_the_last_of_its_records():
    async def scenario(door, log, _):
        first = door.submit([b"1"], b"")
        await asyncio.sleep(0.05)
        both = door.submit([b"2", b"1"], b"")
        assert both.group is not first.group

    _run(scenario)


def test_a_record_twice_in_one_submission_is_written_once():
    async def scenario(door, log, _):
        log.let_through(1)
        await door.submit([b"1", b"1"], b"").group.written
        assert log.written == [[b"1"]]

    _run(scenario)


def test_who_brings_more_than_there_is_room_for_waits_until_it_is_written():
    async def scenario(door, log, _):
        door.submit([b"x" * 20], b"")
        waiting = asyncio.create_task(door.room())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        log.let_through(1)
        await asyncio.wait_for(waiting, 5)

    _run(scenario, room_bytes=10)


def test_when_the_log_fails_nobody_is_told_that_a_record_is_durable():
    async def scenario(door, log, working):
        log.failure = OSError("away")
        receipt = door.submit([b"1"], b"")
        log.let_through(1)
        with pytest.raises(OSError, match="away"):
            await working
        assert receipt.group.written.cancelled()
        assert door.submit([b"2"], b"").group.written.cancelled()
        await asyncio.wait_for(door.room(), 5)

    _run(scenario, room_bytes=1)


def test_when_a_group_cannot_be_sent_the_one_that_is_being_committed_is_not_told_to_be_durable():
    async def scenario(door, log, working):
        first = door.submit([b"1"], b"")
        await asyncio.sleep(0.05)
        log.send = _refuse
        second = door.submit([b"2"], b"")
        with pytest.raises(OSError, match="refused"):
            await working
        assert first.group.written.cancelled()
        assert second.group.written.cancelled()

    _run(scenario)


def _refuse(_records):
    raise OSError("refused")


def test_a_full_group_takes_no_more():
    async def scenario(door, log, _):
        log.let_through(3)
        groups = [door.submit([b"%d" % n, b"x%d" % n], b"").group for n in range(3)]
        await groups[-1].written
        assert log.written == [[b"%d" % n, b"x%d" % n] for n in range(3)]

    _run(scenario, group_bytes=2)


def test_a_known_record_waits_for_whatever_is_under_way():
    async def scenario(door, log, _):
        groups = [door.submit([b"%d" % n], b"").group for n in range(3)]
        assert door.submit([b"0"], b"").group is groups[-1]

    _run(scenario, group_bytes=1)
