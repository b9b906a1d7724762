"""The clients of the endpoint on a home: where they send to, and who may."""

from __future__ import annotations

import pytest

from pitlake.cli.clients import addresses_of, clients_of, keep_addresses
from pitlake.cli.settings import Settings
from pitlake.cli.simulate import target_of
from pitlake.errors import ProcessError
from pitlake.ingest.addresses import Addresses
from pitlake.local.home import Home

ADDRESSES = Addresses("http://127.0.0.1:1", "http://127.0.0.1:2")


@pytest.fixture(name="served")
def _served(tmp_path):
    """A home on which an endpoint has run."""
    keep_addresses(Home(tmp_path / "home"), ADDRESSES)
    return tmp_path / "home"


def test_an_endpoint_is_found_where_it_last_answered(served):
    assert addresses_of(Settings(home=served)) == ADDRESSES


def test_a_client_is_told_its_secret_and_may_write_to_what_was_named(run, served):
    secret = run("client", "gateway", "--table", "weather", "--table", "c.s.*", "--home", served).output.strip()
    client = clients_of(Settings(home=served)).authenticated("gateway", secret)
    assert client is not None
    assert client.tables == ("field_engineering.mining_demo.weather", "c.s.*")


def test_where_no_endpoint_has_run_nobody_can_send(tmp_path):
    with pytest.raises(ProcessError, match="No endpoint has run"):
        addresses_of(Settings(home=tmp_path))


def test_the_simulator_has_credentials_of_its_own_which_stay(served):
    first, second = (target_of(Settings(home=served)) for _ in range(2))
    assert first == second
    assert clients_of(Settings(home=served)).authenticated(first.client_id, first.client_secret)
    assert first.table == "field_engineering.mining_demo.mining_ot_stream"
