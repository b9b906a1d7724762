"""What the demo starts beside the mine."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pitlake.cli.clients import clients_of, keep_addresses
from pitlake.cli.demo import CLIENT, DemoConfig, print_client, run_demo
from pitlake.cli.settings import Settings
from pitlake.errors import ConfigurationError
from pitlake.ingest.addresses import Addresses
from pitlake.local.home import Home


def _config(**changes):
    values = {"settings": Settings(), "seconds": None, "stories": (), "seed": 1, "ledger": None, **changes}
    return DemoConfig(**values)


def test_a_demo_without_options_simulates_until_it_is_stopped():
    assert _config().simulator_arguments() == ["simulate", "--seed", "1"]


def test_the_options_of_a_demo_are_handed_to_its_simulator(tmp_path):
    config = _config(seconds=90.0, stories=("bearing-wear", "flat-line@60"), seed=7, ledger=tmp_path / "ledger.jsonl")
    assert config.simulator_arguments() == [
        *("simulate", "--seed", "7", "--story", "bearing-wear", "--story", "flat-line@60"),
        *("--ledger", str(tmp_path / "ledger.jsonl"), "--for", "90.0s"),
    ]


def test_a_story_is_looked_up_before_anything_starts(tmp_path):
    with pytest.raises(ConfigurationError, match="no fault story"):
        run_demo(_config(settings=Settings(home=tmp_path / "home"), stories=("meteor",)))
    assert not (tmp_path / "home").exists()


def _shown(home):
    console = Console(file=io.StringIO(), width=80)
    print_client(Settings(home=home), console)
    return dict(line.split(maxsplit=1) for line in console.file.getvalue().replace("client id", "id").splitlines()[1:])


def test_at_the_first_start_a_client_is_made_whose_secret_is_shown_once(tmp_path):
    addresses = {"endpoint": "http://127.0.0.1:1", "workspace": "http://127.0.0.1:2"}
    keep_addresses(Home(tmp_path), Addresses(**addresses))
    first, second = _shown(tmp_path), _shown(tmp_path)
    assert {name: first[name] for name in addresses} == addresses
    assert clients_of(Settings(home=tmp_path)).authenticated(CLIENT, first["secret"])
    assert "first start" in second["secret"]
