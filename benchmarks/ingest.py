"""How fast is the endpoint, and how soon does it acknowledge?

Broker, endpoint and the unmodified Databricks SDK, all on this machine; every acknowledgement means that the record is in the
landing topic for good. Records are about 1 KB of JSON, no two alike. The last run, `echo`, has no endpoint: it tells how much of
the latencies at a steady rate is the machine's own.

    .venv/bin/python -m benchmarks.ingest
    .venv/bin/python -m benchmarks.ingest --only paced --seconds 20
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("RUST_LOG", "error")  # the SDK would write its log between the results

from zerobus.sdk.shared import AckCallback, StreamConfigurationOptions, TableProperties
from zerobus.sdk.sync import ZerobusSdk, ZerobusStream

from benchmarks.percentiles import summary
from pitlake.local.supervision import termination_as_exit
from tests.support.broker import running_broker
from tests.support.endpoint import TABLE, running_endpoint

RECORD_BYTES = 1000
BATCH = 1000
MOST_UNACKNOWLEDGED = 50_000
WARM_UP_SECONDS = 3.0
ECHO_WORK_SECONDS = 0.0002
"""What each side of the echo computes per record: together less than a third of what endpoint, broker and client take for one."""


class Acks(AckCallback):
    """When each offset was acknowledged, by `time.perf_counter`."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[int, float] = {}

    def on_ack(self, offset: int) -> None:
        """See AckCallback."""
        self.at[offset] = time.perf_counter()

    def on_error(self, offset: int, error_message: str) -> None:
        """See AckCallback."""
        print(f"offset {offset}: {error_message}", file=sys.stderr)


@termination_as_exit()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=1000, help="records in a second, of the paced run")
    parser.add_argument("--only", choices=["batches", "singles", "paced", "echo"])
    given = parser.parse_args()
    runs = {"batches": _batches, "singles": _singles, "paced": _paced}
    with tempfile.TemporaryDirectory() as folder, running_broker(Path(folder) / "broker") as broker:
        for name, run in runs.items():
            if given.only in {None, name}:
                with running_endpoint(broker.bootstrap, Path(folder) / name) as endpoint, _stream(endpoint) as (stream, acks):
                    print(json.dumps({"run": name, **run(stream, acks, given)}), flush=True)
    if given.only in {None, "echo"}:
        print(json.dumps({"run": "echo", **_echo(given)}), flush=True)


@contextmanager
def _stream(endpoint: object) -> Iterator[tuple[ZerobusStream, Acks]]:
    acks = Acks()
    options = StreamConfigurationOptions(ack_callback=acks, max_inflight_records=MOST_UNACKNOWLEDGED)
    sdk = ZerobusSdk(endpoint.addresses.endpoint, endpoint.addresses.workspace)
    stream = sdk.create_stream(endpoint.client_id, endpoint.secret, TableProperties(TABLE), options)
    try:
        yield stream, acks
    finally:
        stream.close()


def _batches(stream: ZerobusStream, acks: Acks, given: argparse.Namespace) -> dict[str, float]:
    """Batches of a thousand, as fast as they go; a hundred of them may be unacknowledged."""
    sent: dict[int, float] = {}

    def send(number: int) -> None:
        batch = [_record(number * BATCH + i) for i in range(BATCH)]
        offset = stream.ingest_records_offset(batch)
        sent[offset] = time.perf_counter()
        if number >= 100:
            stream.wait_for_offset(number - 100)

    return _measured(send, stream, sent, acks, given.seconds, BATCH)


def _singles(stream: ZerobusStream, acks: Acks, given: argparse.Namespace) -> dict[str, float]:
    """One record at a time, without waiting for its acknowledgement."""
    sent: dict[int, float] = {}

    def send(number: int) -> None:
        sent[stream.ingest_record_offset(_record(number))] = time.perf_counter()
        if number % 1000 == 0 and number >= 20_000:
            stream.wait_for_offset(number - 20_000)

    return _measured(send, stream, sent, acks, given.seconds, 1)


def _paced(stream: ZerobusStream, acks: Acks, given: argparse.Namespace) -> dict[str, float]:
    """One record at a time, at a steady rate; the latency counts from when it is due."""
    sent: dict[int, float] = {}
    begin = time.perf_counter()

    def send(number: int) -> None:
        due = _await_due(begin, number, given.rate)
        sent[stream.ingest_record_offset(_record(number))] = due

    return _measured(send, stream, sent, acks, given.seconds, 1)


def _await_due(begin: float, number: int, rate: float) -> float:
    """Wait until a record of a steady rate is to leave, however late the one before was; when that is, by `time.perf_counter`."""
    due = begin + number / rate
    time.sleep(max(0.0, due - time.perf_counter()))
    return due


def _measured(
    send: object, stream: ZerobusStream, sent: dict[int, float], acks: Acks, seconds: float, records: int
) -> dict[str, float]:
    """Send for a while; what was sent while the endpoint warmed up is not counted."""
    begin = time.perf_counter()
    end, number = begin + WARM_UP_SECONDS + seconds, 0
    while time.perf_counter() < end:
        send(number)
        number += 1
    stream.flush()
    while len(acks.at) < number:
        time.sleep(0.01)
    counted = [offset for offset, at in sent.items() if at - begin >= WARM_UP_SECONDS]
    lasted = max(acks.at[offset] for offset in counted) - min(sent[offset] for offset in counted)
    latencies = [acks.at[offset] - sent[offset] for offset in counted]
    return {"records_per_second": round(len(counted) * records / lasted), **_percentiles(latencies)}


def _percentiles(latencies: list[float]) -> dict[str, float]:
    figures = summary(latencies)
    return {f"ack_{name}": figures[name] for name in ("p50_ms", "p99_ms", "max_ms")}


def _echo(given: argparse.Namespace) -> dict[str, float]:
    """Two bare processes that exchange records at the steady rate and compute a little for each: what the machine allows."""
    here, there = socket.socketpair()
    latencies: list[float] = []
    answering = get_context("spawn").Process(target=_answer, args=(there,), daemon=True)
    answering.start()
    there.close()
    with here:
        here.recv(1)
        begin = time.perf_counter()
        for number in range(int((WARM_UP_SECONDS + given.seconds) * given.rate)):
            due = _await_due(begin, number, given.rate)
            _compute()
            here.sendall(_record(number).encode())
            here.recv(1)
            if due - begin >= WARM_UP_SECONDS:
                latencies.append(time.perf_counter() - due)
        lasted = time.perf_counter() - begin - WARM_UP_SECONDS
    answering.join()
    return {"records_per_second": round(len(latencies) / lasted), **_percentiles(latencies)}


def _answer(client: socket.socket) -> None:
    with client:
        client.sendall(b"!")
        while client.recv(RECORD_BYTES, socket.MSG_WAITALL):
            _compute()
            client.sendall(b"!")


def _compute() -> None:
    """Take processor time, not time: a stop of the machine must not be part of it."""
    end = time.thread_time() + ECHO_WORK_SECONDS
    while time.thread_time() < end:
        pass


_FILLER = os.urandom(RECORD_BYTES // 2).hex()
_RUN = os.urandom(4).hex()
_SENT = itertools.count()


def _record(number: int) -> str:
    """No run's records are another's: the endpoint would know them, and not write them."""
    head = (
        f'{{"message_id":"{_RUN}-{next(_SENT)}-{number}","source":"benchmark","timestamp":"2026-02-15T04:12:09.113Z","filler":"'
    )
    return f'{head}{_FILLER[: RECORD_BYTES - len(head) - 2]}"}}'


if __name__ == "__main__":
    main()
