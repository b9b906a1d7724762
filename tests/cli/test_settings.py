"""Where settings come from."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pitlake.cli.settings import EndpointSettings, Settings


@pytest.mark.parametrize(
    ("variable", "field"),
    [("PITLAKE_LAKE", "lake"), ("PITLAKE_KAFKA", "kafka"), ("PITLAKE_CATALOG", "catalog"), ("PITLAKE_SCHEMA", "schema_")],
)
def test_each_setting_has_a_variable(monkeypatch, variable, field):
    monkeypatch.setenv(variable, "chosen")
    assert getattr(Settings(), field) == "chosen"


@pytest.mark.parametrize(("variable", "field"), [("HOST", "host"), ("CERTIFICATE", "certificate"), ("PORT", "port")])
def test_each_setting_of_the_endpoint_has_a_variable(monkeypatch, variable, field):
    monkeypatch.setenv(f"PITLAKE_INGEST_{variable}", "8090")
    assert str(getattr(EndpointSettings(), field)) == "8090"


@pytest.mark.parametrize("variable", ["SCHEMA", "HOME", "LAKE"])
def test_a_variable_without_the_prefix_is_someone_elses(monkeypatch, variable):
    before = Settings()
    monkeypatch.setenv(variable, "chosen")
    assert Settings() == before


@pytest.mark.parametrize("mode", ["realtime", "micro-batch"])
def test_the_mode_is_one_of_two(monkeypatch, mode):
    monkeypatch.setenv("PITLAKE_MODE", mode)
    assert Settings().mode == mode


def test_another_mode_is_refused(monkeypatch):
    monkeypatch.setenv("PITLAKE_MODE", "continuous")
    with pytest.raises(ValidationError, match="realtime"):
        Settings()


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("PITLAKE_SCHEMA", "")
    assert Settings().schema_ == "mining_demo"


def test_the_lake_lies_in_the_home_unless_it_is_named(tmp_path):
    assert Settings(home=tmp_path).lake_url == str(tmp_path / "lake")
    assert Settings(home=tmp_path, lake="s3://mine/lake").lake_url == "s3://mine/lake"
