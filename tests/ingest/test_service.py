"""What a stream hears of an endpoint that cannot take it; what the SDK sees of streams is in `test_streams`."""

from __future__ import annotations

import asyncio

import pytest
from grpclib import GRPCError, Status
from grpclib.const import Cardinality
from grpclib.testing import ChannelFor

from pitlake.ingest.access import Access
from pitlake.ingest.service import METHOD, ZerobusService
from pitlake.ingest.zerobus_pb2 import JSON, CreateIngestStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse


async def _create_meanwhile(doors):
    kind = (METHOD, Cardinality.STREAM_STREAM, EphemeralStreamRequest, EphemeralStreamResponse)
    async with ChannelFor([ZerobusService(doors, Access(None))]) as channel, channel.request(*kind) as stream:
        create = CreateIngestStreamRequest(table_name="c.s.t", record_type=JSON)
        await stream.send_message(EphemeralStreamRequest(create_stream=create))
        await stream.recv_message()


def test_while_the_broker_is_away_a_table_that_is_not_open_is_unavailable(doors_without_broker):
    with pytest.raises(GRPCError, match="The broker is away") as refused:
        asyncio.run(_create_meanwhile(doors_without_broker))
    assert refused.value.status is Status.UNAVAILABLE
