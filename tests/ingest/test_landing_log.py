"""A landing table's topic behind its door, on a real broker."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from pitlake.ingest.door import Door
from pitlake.ingest.landing_log import LandingLog
from pitlake.ingest.tables import LandingTable, landing_topic
from pitlake.ingest.window import Window
from pitlake.streams.producers import Publisher
from pitlake.streams.topics import ensure_topics
from pitlake.streams.transactions import Stopped
from tests.support.waiting import await_that


async def _write(log, values):
    door = Door(log, Window(len(values)), group_bytes=1_000, room_bytes=1_000_000)
    working = asyncio.create_task(door.run())
    for number, value in enumerate(values):
        receipt = door.submit([value], b"one source")
        if number % 3 == 0:
            await asyncio.sleep(0.001)
    await receipt.group.written
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


def test_told_to_stop_it_reads_no_tail(broker, table):
    with Publisher(broker.bootstrap) as publisher:
        publisher.send(table.topic, b"{}")
    log = LandingLog(broker.bootstrap, table.topic)
    log.stop()
    with pytest.raises(Stopped):
        list(log.open(10))
    log.close()


def test_records_of_one_source_are_in_the_topic_once_and_in_their_order_however_they_are_grouped(broker, landed):
    table, values = LandingTable.named(f"c.s.landing_{uuid.uuid4().hex}"), [b"%d" % number for number in range(3_000)]
    ensure_topics(broker.bootstrap, [landing_topic(table.topic)])
    log = LandingLog(broker.bootstrap, table.topic)
    try:
        assert list(log.open(1)) == []
        asyncio.run(_write(log, values))
    finally:
        log.close()
    await_that(lambda: landed(table) == values, "readers see all records in their order")
