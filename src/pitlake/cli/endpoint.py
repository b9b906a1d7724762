"""`pitlake serve`: the endpoint on a home."""

from __future__ import annotations

from urllib.parse import urlsplit

from pitlake.cli.clients import clients_file, keep_addresses, last_addresses
from pitlake.cli.parts import ENDPOINT, announce_part, bootstrap_of, run_part
from pitlake.cli.settings import EndpointSettings, Settings
from pitlake.ingest.addresses import Addresses
from pitlake.ingest.endpoint import EndpointConfig, run_endpoint
from pitlake.local.home import Home
from pitlake.local.ports import free_ports, is_free


def run_ingest(settings: Settings, endpoint: EndpointSettings) -> None:
    """Run the endpoint until stopped. Raises ConfigurationError and BrokerError."""
    home = Home(settings.home.resolve())

    def ready(addresses: Addresses) -> None:
        keep_addresses(home, addresses)
        announce_part(settings, ENDPOINT)

    run_part(settings, lambda stop: run_endpoint(_config(settings, endpoint, home), stop, ready))


def _config(settings: Settings, endpoint: EndpointSettings, home: Home) -> EndpointConfig:
    grpc_port, http_port = _ports(endpoint, last_addresses(home))
    return EndpointConfig(
        bootstrap=bootstrap_of(settings),
        clients=clients_file(home),
        key=home.ingest / "signing.key",
        host=endpoint.host,
        grpc_port=grpc_port,
        http_port=http_port,
        certificate=endpoint.certificate,
        certificate_key=endpoint.certificate_key,
        tokens=endpoint.tokens,
        exposed=endpoint.exposed,
    )


def _ports(endpoint: EndpointSettings, last: Addresses | None) -> tuple[int, int]:
    """The ports asked for, else those of the last start if they are free, else free ones."""
    kept = [urlsplit(url).port or 0 for url in (last.endpoint, last.workspace)] if last else [0, 0]
    found = [port if port and is_free(port) else free for port, free in zip(kept, free_ports(2), strict=True)]
    return endpoint.port or found[0], endpoint.http_port or found[1]
