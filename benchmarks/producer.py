"""The producer: a process that sends a load, open loop.

Each message is sent when it is due, whatever becomes of the earlier ones, and is stamped with the moment at which it is due. A
message that leaves late, because the machine was busy or the broker slow, is so much later in the result: nothing is omitted.

    python -m benchmarks.producer --bootstrap HOST:PORT --topic TOPIC --rate 120 --seconds 60 --start 2026-11-24T10:00:00Z
        --out FILE
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks.load import Load
from benchmarks.percentiles import summary
from pitlake.local.files import write_atomically
from pitlake.mining.simulator.kafka import KafkaSender
from pitlake.mining.simulator.sender import Delivery


def send(load: Load, bootstrap: str, topic: str) -> dict[str, object]:
    """Send all of it; how many were acknowledged, and how much later than due the messages left. Raises BrokerError."""
    # A broker that has just started answers some questions only at the second time; that is no news.
    sender = KafkaSender(bootstrap, topic, {"log_level": 3})
    delivered: list[Delivery] = []
    lags, readings = [], 0
    for message in load.messages():
        due = message.sent_at.timestamp()
        time.sleep(max(0.0, due - time.time()))
        sender.send(message.key, message.value, delivered.append)
        lags.append(time.time() - due)
        readings += len(message.readings)
    sender.flush()
    return {"messages": len(lags), "delivered": len(delivered), "readings": readings, "lag": summary(lags)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rate", type=float, required=True, help="readings per second")
    parser.add_argument("--start", type=datetime.fromisoformat, required=True, help="when to begin, with its offset from UTC")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True, help="file that says how it went, made at the end")
    given = parser.parse_args()
    load = Load(given.rate, given.start.astimezone(UTC), given.seconds)
    write_atomically(given.out, orjson.dumps(send(load, given.bootstrap, given.topic)).decode())


if __name__ == "__main__":
    main()
