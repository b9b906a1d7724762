"""What a stream hears of an endpoint that cannot take it; what the SDK sees of streams is in `test_streams`."""

from __future__ import annotations

import asyncio

import pytest
from grpclib import GRPCError, Status
from grpclib.const import Cardinality
from grpclib.testing import ChannelFor

from pitlake.errors import BrokerError
from pitlake.ingest.access import Access
from pitlake.ingest.service import METHOD, ZerobusService
from pitlake.ingest.zerobus_pb2 import JSON, CreateIngestStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse


class _Away:
    async def find(self, _name):
        raise BrokerError("The broker is away.", do="Wait.")


async def _create_meanwhile():
    kind = (METHOD, Cardinality.STREAM_STREAM, EphemeralStreamRequest, EphemeralStreamResponse)
    async with ChannelFor([ZerobusService(_Away(), Access(None))]) as channel, channel.request(*kind) as stream:
        create = CreateIngestStreamRequest(table_name="c.s.t", record_type=JSON)
        await stream.send_message(EphemeralStreamRequest(create_stream=create))
        await stream.recv_message()


def test_while_the_broker_is_away_a_table_that_is_not_open_is_unavailable():
    with pytest.raises(GRPCError, match="The broker is away") as refused:
        asyncio.run(_create_meanwhile())
    assert refused.value.status is Status.UNAVAILABLE
