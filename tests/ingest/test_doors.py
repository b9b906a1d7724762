"""The doors of all landing tables, on a real broker."""

from __future__ import annotations

import asyncio

import pytest

from pitlake.errors import BrokerError
from pitlake.ingest.doors import Doors
from pitlake.ingest.landing_log import LandingLog
from pitlake.ingest.metrics import Metrics


async def _asked_for_twice(bootstrap, name):
    async with asyncio.TaskGroup() as tasks:
        doors = Doors(bootstrap, Metrics(), tasks)
        with pytest.raises(BrokerError):
            await doors.find(name)
        found = await doors.find(name)
        await doors.close()
    return found


def test_a_table_that_cannot_be_opened_now_ends_no_other_and_is_opened_when_it_is_asked_for_again(broker, table, monkeypatch):
    opened = LandingLog.open

    def fail_once(log, length):
        monkeypatch.setattr(LandingLog, "open", opened)
        raise BrokerError("The broker is away.", do="Wait.")

    monkeypatch.setattr(LandingLog, "open", fail_once)
    assert asyncio.run(_asked_for_twice(broker.bootstrap, table.name)).name == table.name
