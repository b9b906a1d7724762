"""An endpoint that tests share, each with landing tables of its own, and the unmodified SDK to write to them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

os.environ.setdefault("RUST_LOG", "error")

from zerobus.sdk.shared import StreamConfigurationOptions, TableProperties
from zerobus.sdk.sync import ZerobusSdk

from pitlake.errors import BrokerError
from pitlake.ingest.tables import LandingTable, declare_landing_table
from pitlake.streams.consumers import BEGINNING, TopicReader, kept_offsets
from tests.support.broker import RunningBroker
from tests.support.endpoint import RunningEndpoint, running_endpoint


@pytest.fixture(scope="session")
def endpoint(broker: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEndpoint]:
    """A running endpoint; who kills or stops one starts its own."""
    with running_endpoint(broker.bootstrap, tmp_path_factory.mktemp("endpoint")) as running:
        yield running


@pytest.fixture
def table(broker: RunningBroker) -> LandingTable:
    """A new landing table."""
    return declare_landing_table(broker.bootstrap, f"c.s.t{uuid.uuid4().hex}")


@contextmanager
def stream_to(endpoint: RunningEndpoint, table: str, properties: TableProperties | None = None, **options: object):
    """A stream of the SDK, as its documentation has it."""
    sdk = ZerobusSdk(endpoint.addresses.endpoint, endpoint.addresses.workspace)
    chosen = StreamConfigurationOptions(recovery_backoff_ms=100, recovery_retries=200, **options)
    stream = sdk.create_stream(endpoint.client_id, endpoint.secret, properties or TableProperties(table), chosen)
    try:
        yield stream
    finally:
        stream.close()


@pytest.fixture(name="stream_to")
def stream_to_fixture() -> Callable[..., object]:
    return stream_to


@pytest.fixture
def landed(broker: RunningBroker) -> Callable[[LandingTable], list[bytes]]:
    """What readers of committed records find in a table's topic, partition by partition."""

    def values(table: LandingTable) -> list[bytes]:
        kept = kept_offsets(broker.bootstrap, table.topic) or {}
        found = []
        with TopicReader(broker.bootstrap, table.topic, dict.fromkeys(kept, BEGINNING), follow=False) as reader:
            while not reader.at_end:
                found += [record.value or b"" for record in reader.take(10_000, 0.2)]
        return found

    return values


class _Away:
    async def find(self, _name: str) -> None:
        raise BrokerError("The broker is away.", do="Wait.")


@pytest.fixture
def doors_without_broker() -> _Away:
    """Doors of tables that cannot be opened now."""
    return _Away()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
