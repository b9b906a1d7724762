from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pitlake.errors import BrokerError
from pitlake.mining.simulator.gateways import GATEWAYS
from pitlake.mining.simulator.kafka import KafkaSender

MOCK_BROKER = {"test.mock.num.brokers": 1}
MOCK_APPEND_TIME = datetime(1970, 1, 1, 0, 0, 1, 234_000, tzinfo=UTC)  # librdkafka's mock appends everything at this moment


def test_every_message_is_reported_with_its_place_and_time():
    deliveries = []
    sender = KafkaSender("", "mining_ot_stream", MOCK_BROKER)
    for n in range(3):
        sender.send(b"ignition_gateway_01", str(n).encode(), deliveries.append)
    sender.flush()
    assert [d.offset for d in deliveries] == [0, 1, 2]
    assert {d.appended_at for d in deliveries} == {MOCK_APPEND_TIME}


def test_the_gateways_fall_on_both_of_two_partitions():
    deliveries = []
    sender = KafkaSender("", "mining_ot_stream", MOCK_BROKER)
    for gateway in GATEWAYS:
        sender.send(gateway.source.encode(), b"{}", deliveries.append)
    sender.flush()
    assert {d.partition % 2 for d in deliveries} == {0, 1}


def test_a_message_that_is_refused_is_an_error():
    sender = KafkaSender("", "mining_ot_stream", {**MOCK_BROKER, "message.max.bytes": 1000})
    with pytest.raises(BrokerError, match="refuses a message"):
        sender.send(b"key", b"x" * 2000, lambda delivery: None)
