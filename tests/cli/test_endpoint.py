"""The endpoint on a home: its clients, its addresses, and tables made for it."""

from __future__ import annotations

import json
import uuid

import pytest

from pitlake.cli.clients import addresses_of, clients_of
from pitlake.cli.settings import EndpointSettings, Settings
from pitlake.cli.simulate import target_of
from pitlake.errors import ProcessError
from pitlake.ingest.tables import landing_tables


@pytest.fixture(name="served")
def _served(tmp_path):
    """A home on which an endpoint has run."""
    file = tmp_path / "home" / "ingest" / "addresses.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"endpoint": "http://127.0.0.1:1", "workspace": "http://127.0.0.1:2"}))
    return tmp_path / "home"


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


@pytest.mark.parametrize(("variable", "field"), [("HOST", "host"), ("CERTIFICATE", "certificate"), ("PORT", "port")])
def test_each_setting_of_the_endpoint_has_a_variable(monkeypatch, variable, field):
    monkeypatch.setenv(f"PITLAKE_INGEST_{variable}", "8090")
    assert str(getattr(EndpointSettings(), field)) == "8090"


def test_create_table_makes_a_landing_table(run, broker, monkeypatch, tmp_path):
    monkeypatch.setenv("PITLAKE_KAFKA", broker.bootstrap)
    name = f"t{uuid.uuid4().hex}"
    done = run("sql", f"CREATE TABLE {name} (a STRING)", "--format", "json", "--home", tmp_path)
    assert json.loads(done.output) == [{"landing_table": f"field_engineering.mining_demo.{name}", "topic": name}]
    assert f"field_engineering.mining_demo.{name}" in landing_tables(broker.bootstrap)
    again = run("sql", f"CREATE TABLE {name}", "--home", tmp_path)
    assert again.exit_code == 2
    assert run("sql", f"CREATE TABLE IF NOT EXISTS {name}", "--home", tmp_path).exit_code == 0
