"""The clients of the endpoint on a home: where they send to, and who may."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pitlake.cli.settings import Settings
from pitlake.errors import ProcessError
from pitlake.ingest.addresses import Addresses
from pitlake.ingest.clients import Clients
from pitlake.local.files import write_atomically
from pitlake.local.home import Home


def addresses_of(settings: Settings) -> Addresses:
    """Where the endpoint of the home answers, or last did. Raises ProcessError when it never ran."""
    addresses = last_addresses(Home(settings.home.resolve()))
    if addresses is None:
        raise ProcessError(f"No endpoint has run on the home {settings.home}.", do="Start it: `pitlake up`, or `pitlake serve`.")
    return addresses


def clients_of(settings: Settings) -> Clients:
    """Who may write to the endpoint of the home."""
    return Clients(clients_file(Home(settings.home.resolve())))


def add_client(settings: Settings, client_id: str, tables: Sequence[str]) -> str:
    """Add a client that may write to `tables`, of which names may leave out catalog and schema; its secret."""
    prefix = [settings.catalog, settings.schema_]
    full = [".".join([*prefix[: max(0, 3 - len(table.split(".")))], table]) for table in tables]
    return clients_of(settings).add(client_id, full)


def last_addresses(home: Home) -> Addresses | None:
    """Where the endpoint of a home answers, or last did; None when it never ran."""
    try:
        return Addresses(**json.loads(_addresses_file(home).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def keep_addresses(home: Home, addresses: Addresses) -> None:
    """Write down where the endpoint of a home answers."""
    write_atomically(_addresses_file(home), json.dumps(asdict(addresses)))


def clients_file(home: Home) -> Path:
    """Where the endpoint of a home finds its clients."""
    return home.ingest / "clients.json"


def _addresses_file(home: Home) -> Path:
    return home.ingest / "addresses.json"
