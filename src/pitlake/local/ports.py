"""Ports of the loopback interface for servers that choose their own."""

from __future__ import annotations

import secrets
import socket
from itertools import islice

_HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections: a client that looks for a server that is down could get the server's
# own port for its side, and keep the server from coming back.
_PORTS = range(20_000, 32_000)


def free_ports(count: int) -> tuple[int, ...]:
    """Ports on which nothing listens."""
    start = secrets.randbelow(len(_PORTS))
    free = filter(is_free, (_PORTS[(start + step) % len(_PORTS)] for step in range(len(_PORTS))))
    return tuple(islice(free, count))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        # Connections of the server's last run that still linger do not keep it from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True
