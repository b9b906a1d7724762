"""The endpoint on a home: where its files are, how it is run, and who may write to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from pitlake.cli.parts import await_run, bootstrap_of, collect_seldom, log_to_standard_error, stop_on_signal
from pitlake.cli.settings import EndpointSettings, Settings
from pitlake.errors import ProcessError
from pitlake.ingest.clients import Clients
from pitlake.ingest.endpoint import Addresses, EndpointConfig, run_endpoint
from pitlake.local.files import write_atomically
from pitlake.local.home import Home
from pitlake.local.ports import free_ports, is_free
from pitlake.local.readiness import announce_ready

ENDPOINT = "endpoint"


def run_ingest(settings: Settings, endpoint: EndpointSettings) -> None:
    """Run the endpoint until stopped. Raises ConfigurationError and BrokerError."""
    log_to_standard_error()
    home = Home(settings.home.resolve())

    def ready(addresses: Addresses) -> None:
        write_atomically(_addresses_file(home), json.dumps(asdict(addresses)))
        announce_ready(home, ENDPOINT)

    with stop_on_signal() as stop:
        if await_run(settings, stop):
            collect_seldom()
            run_endpoint(_config(settings, endpoint, home), stop, ready)


def _config(settings: Settings, endpoint: EndpointSettings, home: Home) -> EndpointConfig:
    grpc_port, http_port = _ports(endpoint, home)
    return EndpointConfig(
        bootstrap=bootstrap_of(settings),
        clients=_clients_file(home),
        key=home.ingest / "signing.key",
        host=endpoint.host,
        grpc_port=grpc_port,
        http_port=http_port,
        certificate=endpoint.certificate,
        certificate_key=endpoint.certificate_key,
        tokens=endpoint.tokens,
        exposed=endpoint.exposed,
    )


def addresses_of(settings: Settings) -> Addresses:
    """Where the endpoint of the home answers, or last did. Raises ProcessError when it never ran."""
    addresses = _last_addresses(Home(settings.home.resolve()))
    if addresses is None:
        raise ProcessError(f"No endpoint has run on the home {settings.home}.", do="Start it: `pitlake up`, or `pitlake serve`.")
    return addresses


def clients_of(settings: Settings) -> Clients:
    """Who may write to the endpoint of the home."""
    return Clients(_clients_file(Home(settings.home.resolve())))


def add_client(settings: Settings, client_id: str, tables: Sequence[str]) -> str:
    """Add a client that may write to `tables`, of which names may leave out catalog and schema; its secret."""
    prefix = [settings.catalog, settings.schema_]
    full = [".".join([*prefix[: max(0, 3 - len(table.split(".")))], table]) for table in tables]
    return clients_of(settings).add(client_id, full)


def _ports(endpoint: EndpointSettings, home: Home) -> tuple[int, int]:
    """The ports asked for, else those of the last start if they are free, else free ones."""
    last = _last_addresses(home)
    kept = [urlsplit(url).port or 0 for url in (last.endpoint, last.workspace)] if last else [0, 0]
    found = [port if port and is_free(port) else free for port, free in zip(kept, free_ports(2), strict=True)]
    return endpoint.port or found[0], endpoint.http_port or found[1]


def _last_addresses(home: Home) -> Addresses | None:
    try:
        return Addresses(**json.loads(_addresses_file(home).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def _addresses_file(home: Home) -> Path:
    return home.ingest / "addresses.json"


def _clients_file(home: Home) -> Path:
    return home.ingest / "clients.json"
