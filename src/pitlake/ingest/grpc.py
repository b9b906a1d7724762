"""gRPC as the endpoint needs it, on grpclib: larger HTTP/2 frames, and messages that are bounded.

Why grpclib: for messages of one record of 1 KB each, its server spent 13 µs of processor time on one, that of grpcio 67 µs.
"""

from __future__ import annotations

import ssl
from asyncio import BaseTransport
from pathlib import Path
from typing import Any

from grpclib import GRPCError, Status
from grpclib.config import Configuration
from grpclib.protocol import H2Protocol
from grpclib.server import Server, Stream
from h2.settings import SettingCodes
from hyperframe.frame import DataFrame

from pitlake.errors import ConfigurationError

MOST_MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest message. The SDK sends at most 10,420,224 bytes of records in one."""

# A frame costs the same, however large it is. HTTP/2 begins with 16 KiB; clients take this up once they have heard of it.
_FRAME_BYTES = 1024 * 1024
# What clients may send before it is asked for: a frame that comes while another is worked on.
_WINDOW_BYTES = 4 * _FRAME_BYTES


# h2 describes every frame to a logger that does nothing; writing a megabyte in hexadecimal takes longer than reading it.
DataFrame._body_repr = lambda self: f"{self.body_len:,} bytes"  # type: ignore[method-assign]  # noqa: SLF001


class GrpcServer(Server):
    """A server whose connections take large frames."""

    def __init__(self, handlers: list[Any]) -> None:
        windows = Configuration(http2_connection_window_size=_WINDOW_BYTES, http2_stream_window_size=_WINDOW_BYTES)
        super().__init__(handlers, config=windows)

    def _protocol_factory(self) -> H2Protocol:
        protocol = super()._protocol_factory()
        return _Protocol(protocol.handler, protocol.config, protocol.h2_config)


class _Protocol(H2Protocol):
    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.connection._connection.update_settings({SettingCodes.MAX_FRAME_SIZE: _FRAME_BYTES})  # noqa: SLF001 - no other way
        self.connection.flush()


async def receive(stream: Stream[Any, Any]) -> bytes | None:
    """The next message as it was sent; None at the end. Raises GRPCError when it is compressed or too large.

    A message is five bytes, a flag and its length, and its content.
    """
    head = await stream._stream.recv_data(5)  # noqa: SLF001 - recv_message does the same, without a bound
    if not head:
        return None
    if head[0]:
        raise GRPCError(Status.UNIMPLEMENTED, "Compressed messages are not taken.")
    length = int.from_bytes(head[1:], "big")
    if length > MOST_MESSAGE_BYTES:
        raise GRPCError(Status.INVALID_ARGUMENT, f"A message has {length:,} bytes; {MOST_MESSAGE_BYTES:,} is the most.")
    return await stream._stream.recv_data(length)  # noqa: SLF001 - as above


def tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS for an HTTP/2 server, with a certificate and its key in PEM files. Raises ConfigurationError when they do not serve."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as fault:  # ssl.SSLError is one too
        raise ConfigurationError(
            f"The certificate {certificate} and the key {key} do not serve: {fault}",
            do="Name a PEM file of each that belong together.",
        ) from fault
    context.set_alpn_protocols(["h2"])
    return context
