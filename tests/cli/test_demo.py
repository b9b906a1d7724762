"""What the demo starts beside the mine."""

from __future__ import annotations

import pytest

from pitlake.cli.demo import DemoConfig, run_demo
from pitlake.cli.settings import Settings
from pitlake.errors import ConfigurationError


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
