"""The endpoint as a process: its two servers, brought up in order and taken down such that no client loses anything."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop

from pitlake.errors import ConfigurationError, PitlakeError
from pitlake.ingest.access import Access
from pitlake.ingest.addresses import Addresses
from pitlake.ingest.clients import Clients, signing_key
from pitlake.ingest.doors import Doors
from pitlake.ingest.grpc import GrpcServer, tls
from pitlake.ingest.metrics import Metrics
from pitlake.ingest.rest import RestService
from pitlake.ingest.service import ZerobusService
from pitlake.ingest.tokens import Tokens

DRAIN_SECONDS = 4.0
"""How long clients are given to leave when the endpoint ends."""

_POLL_SECONDS = 0.1

_SWITCH_SECONDS = 0.0005
"""How long a thread that writes waits for the interpreter at most. Python's 5 ms are as long as a transaction of one record."""


@dataclass(frozen=True)
class EndpointConfig:
    """`clients` and `key` are files; port 0 is any free one. `certificate` and `certificate_key` are PEM files, both or none.

    Without `tokens` anyone may write. Beyond the loopback interface that, and unencrypted traffic, needs `exposed`.
    """

    bootstrap: str
    clients: Path
    key: Path
    host: str = "127.0.0.1"
    grpc_port: int = 0
    http_port: int = 0
    certificate: Path | None = None
    certificate_key: Path | None = None
    tokens: bool = True
    exposed: bool = False

    def check(self) -> None:
        """Raises ConfigurationError for what cannot work, or must be asked for by name."""
        if (self.certificate is None) != (self.certificate_key is None):
            raise ConfigurationError("TLS needs a certificate and its key.", do="Name both files, or neither.")
        if not (_is_loopback(self.host) or (self.certificate and self.tokens) or self.exposed):
            raise ConfigurationError(
                f"On {self.host} others could read or write without TLS and tokens.",
                do="Name a certificate and its key, or ask for it with --exposed.",
            )


def run_endpoint(config: EndpointConfig, stop: threading.Event, on_ready: Callable[[Addresses], None]) -> None:
    """Serve until `stop` is set; `on_ready` is called once clients may come. For the main thread.

    Raises ConfigurationError, BrokerError, and Fenced when another endpoint has taken over a landing table.
    """
    config.check()
    context = tls(config.certificate, config.certificate_key) if config.certificate and config.certificate_key else None
    with _first_of_group():
        uvloop.run(_run(config, context, stop, on_ready))


@contextmanager
def _first_of_group() -> Iterator[None]:
    """What ended a task group, in place of the group."""
    try:
        yield
    except* PitlakeError as group:
        raise group.exceptions[0] from group


async def _run(
    config: EndpointConfig, context: ssl.SSLContext | None, stop: threading.Event, on_ready: Callable[[Addresses], None]
) -> None:
    metrics = Metrics()
    tokens = Tokens(signing_key(config.key))
    access = Access(tokens if config.tokens else None)
    async with asyncio.TaskGroup() as tasks:
        doors = Doors(config.bootstrap, metrics, tasks)
        rest = RestService(doors, access, Clients(config.clients), tokens, metrics.registry)
        try:
            await doors.open_all()
            async with (
                _http_server(config, rest) as http_port,
                _grpc_server(config, context, ZerobusService(doors, access)) as grpc_port,
            ):
                rest.ready = True
                sys.setswitchinterval(_SWITCH_SECONDS)
                on_ready(Addresses.on(config.host, grpc_port, http_port, is_encrypted=config.certificate is not None))
                while not stop.is_set():
                    await asyncio.sleep(_POLL_SECONDS)
                rest.ready = False
            with suppress(TimeoutError):
                await asyncio.wait_for(doors.drain(), DRAIN_SECONDS)
        finally:
            await doors.close()


@asynccontextmanager
async def _grpc_server(config: EndpointConfig, context: ssl.SSLContext | None, service: ZerobusService) -> AsyncIterator[int]:
    """Serve streams while the block lasts; then ask the clients to leave, and wait for them."""
    listening = _listening(config.host, config.grpc_port)
    server = GrpcServer([service])
    await server.start(sock=listening, ssl=context)
    try:
        yield listening.getsockname()[1]
        await service.drain(DRAIN_SECONDS)
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def _http_server(config: EndpointConfig, rest: RestService) -> AsyncIterator[int]:
    """Serve requests while the block lasts."""
    listening = _listening(config.host, config.http_port)
    server = _HttpServer(
        uvicorn.Config(
            rest.app(),
            log_config=None,
            access_log=False,
            lifespan="off",
            ssl_certfile=config.certificate,
            ssl_keyfile=config.certificate_key,
            timeout_graceful_shutdown=int(DRAIN_SECONDS),
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


class _HttpServer(uvicorn.Server):
    """Signals are for the whole process, not for one of its servers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as fault:
        raise ConfigurationError(
            f"The endpoint cannot listen on {host}:{port}: {fault}", do="Give it another port, or end what uses this one."
        ) from fault


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
