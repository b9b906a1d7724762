"""Who may write: kept in a file, without the secrets."""

from __future__ import annotations

import pytest

from pitlake.errors import ConfigurationError
from pitlake.ingest.clients import Clients, signing_key


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "ingest" / "clients.json"


def test_a_client_is_known_by_its_secret(path):
    secret = Clients(path).add("gateway", ["c.s.t"])
    found = Clients(path).authenticated("gateway", secret)
    assert found is not None
    assert found.tables == ("c.s.t",)


def test_a_wrong_secret_and_an_unknown_client_are_nobody(path):
    clients = Clients(path)
    secret = clients.add("gateway", ["c.s.t"])
    assert clients.authenticated("gateway", secret + "x") is None
    assert clients.authenticated("other", secret) is None
    assert clients.authenticated("other", "") is None


def test_a_new_secret_ends_the_old_one(path):
    clients = Clients(path)
    first, second = (clients.add("gateway", ["c.s.t"]) for _ in range(2))
    assert clients.authenticated("gateway", first) is None
    assert clients.authenticated("gateway", second)


def test_the_file_holds_no_secret_and_is_its_owners_alone(path):
    secret = Clients(path).add("gateway", ["c.s.t"])
    assert secret not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_broken_file_is_an_error_for_people(path):
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Clients(path).names()


def test_the_signing_key_stays_what_it_is(tmp_path):
    assert signing_key(tmp_path / "key") == signing_key(tmp_path / "key")
