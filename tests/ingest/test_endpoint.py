"""An endpoint that is killed, ended, replaced: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from grpclib.client import Channel
from grpclib.const import Cardinality

from pitlake.errors import ConfigurationError
from pitlake.ingest.endpoint import DRAIN_SECONDS, EndpointConfig, run_endpoint
from pitlake.ingest.service import METHOD
from pitlake.ingest.zerobus_pb2 import JSON, CreateIngestStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse
from tests.support.endpoint import running_endpoint
from tests.support.waiting import await_that

KILLS = 3


def _config(**changes):
    return EndpointConfig(bootstrap="", clients=Path("clients"), key=Path("key"), **changes)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_the_loopback_interface_nothing_more_is_asked_for(host):
    _config(host=host).check()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tokens": False},
        {"certificate": Path("c"), "certificate_key": Path("k"), "tokens": False},
    ],
)
def test_beyond_it_tls_and_tokens_are_needed_unless_asked_for_by_name(changes):
    with pytest.raises(ConfigurationError, match="TLS and tokens"):
        _config(host="0.0.0.0", **changes).check()  # noqa: S104
    _config(host="0.0.0.0", exposed=True, **changes).check()  # noqa: S104


def test_with_tls_and_tokens_it_listens_anywhere():
    _config(host="0.0.0.0", certificate=Path("c"), certificate_key=Path("k")).check()  # noqa: S104


def test_a_certificate_needs_its_key():
    with pytest.raises(ConfigurationError, match="its key"):
        _config(certificate=Path("c")).check()


def test_a_certificate_that_cannot_be_read_is_an_error_for_people(tmp_path):
    with pytest.raises(ConfigurationError, match="do not serve"):
        run_endpoint(_config(certificate=tmp_path / "absent", certificate_key=tmp_path / "absent"), threading.Event(), print)


class _Load:
    """Sends numbered records, singly and in batches, while the block lasts; then waits for all to be acknowledged."""

    def __init__(self, stream):
        self._stream = stream
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.sent = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._stream.flush()

    def _send(self):
        while not self._stop.is_set():
            numbers = range(self.sent, self.sent + 20)
            self._stream.ingest_record_nowait(json.dumps({"n": numbers[0]}))
            self._stream.ingest_records_nowait([json.dumps({"n": n}) for n in numbers[1:]])
            self.sent += 20
            time.sleep(0.005)


def test_killed_over_and_over_it_loses_nothing_and_writes_nothing_twice(broker, table, home, stream_to, landed):
    with running_endpoint(broker.bootstrap, home) as endpoint, stream_to(endpoint, table.name) as stream, _Load(stream) as load:
        for kill in range(KILLS):
            time.sleep(0.3 + 0.05 * kill)  # for load to be under way; what is shown holds for every moment
            endpoint.kill()
            endpoint.start()
    counts = Counter(json.loads(value)["n"] for value in landed(table))
    assert sorted(counts) == list(range(load.sent))
    assert set(counts.values()) == {1}


def test_told_to_end_it_lets_its_clients_go_and_they_come_back(broker, table, home, stream_to, landed):
    with running_endpoint(broker.bootstrap, home) as endpoint, stream_to(endpoint, table.name) as stream:
        with _Load(stream) as load:
            await_that(lambda: load.sent > 200, "load is under way")
            began = time.monotonic()
            endpoint.end()
            assert time.monotonic() - began < 10
            assert endpoint.process.exit_code() == 0
            endpoint.start()
        assert sorted(json.loads(value)["n"] for value in landed(table)) == list(range(load.sent))


async def _told_to_go(endpoint, table):
    """What a client that looks at nothing but the wire hears when the endpoint ends."""
    address = urlsplit(endpoint.addresses.endpoint)
    channel = Channel(address.hostname, address.port)
    kind = (METHOD, Cardinality.STREAM_STREAM, EphemeralStreamRequest, EphemeralStreamResponse)
    try:
        async with channel.request(*kind, metadata={"authorization": f"Bearer {endpoint.token(table.name)}"}) as stream:
            create = CreateIngestStreamRequest(table_name=table.name, record_type=JSON)
            await stream.send_message(EphemeralStreamRequest(create_stream=create))
            await stream.recv_message()
            ending = asyncio.create_task(asyncio.to_thread(endpoint.end))
            told = await stream.recv_message()
            await stream.end()
            await ending
            return told
    finally:
        channel.close()


def test_told_to_end_it_says_so_and_waits_no_longer_than_its_clients_take_to_go(broker, table, home):
    with running_endpoint(broker.bootstrap, home) as endpoint:
        began = time.monotonic()
        told = asyncio.run(_told_to_go(endpoint, table))
        assert time.monotonic() - began < DRAIN_SECONDS
    assert told.close_stream_signal.duration.ToSeconds() == DRAIN_SECONDS


def test_who_takes_a_table_over_ends_its_previous_owner(broker, table, tmp_path, stream_to, landed):
    with running_endpoint(broker.bootstrap, tmp_path / "first") as first, stream_to(first, table.name, recovery=False) as stream:
        stream.wait_for_offset(stream.ingest_record_offset('{"n":1}'))
        with running_endpoint(broker.bootstrap, tmp_path / "second") as second, stream_to(second, table.name) as other:
            other.wait_for_offset(other.ingest_records_offset(['{"n":1}', '{"n":2}']))
            stream.ingest_record_nowait('{"n":3}')
            await_that(lambda: first.process.exit_code() == 1, "the first has ended")
            assert "Another process has taken over" in (tmp_path / "first" / "endpoint.log").read_text()
            assert landed(table) == [b'{"n":1}', b'{"n":2}']


SENDING = """
import sys
from zerobus.sdk.shared import TableProperties
from zerobus.sdk.sync import ZerobusSdk

endpoint, workspace, client_id, secret, table = sys.argv[1:]
stream = ZerobusSdk(endpoint, workspace).create_stream(client_id, secret, TableProperties(table))
stream.wait_for_offset(stream.ingest_record_offset("{}"))
stream.close()
"""


def test_it_speaks_tls(broker, table, home, landed):
    certificate, key = home / "certificate.pem", home / "key.pem"
    home.mkdir()
    extensions = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pitlake", *extensions]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    options = ("--certificate", str(certificate), "--certificate-key", str(key))
    with running_endpoint(broker.bootstrap, home, options=options) as endpoint:
        addresses = endpoint.addresses
        assert addresses.endpoint.startswith("https://")
        sender = [sys.executable, "-c", SENDING, addresses.endpoint, addresses.workspace, endpoint.client_id, endpoint.secret]
        # The SDK reads the variable once, so it runs in a process of its own.
        subprocess.run([*sender, table.name], check=True, env={**os.environ, "SSL_CERT_FILE": str(certificate)})
    assert landed(table) == [b"{}"]
