"""Where an endpoint answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it listens nowhere


@dataclass(frozen=True)
class Addresses:
    """Where the endpoint answers those on its machine: `endpoint` for streams, `workspace` for tokens and REST. Both are URLs."""

    endpoint: str
    workspace: str

    @classmethod
    def on(cls, host: str, grpc_port: int, http_port: int, *, is_encrypted: bool) -> Self:
        """Those of two ports on a host, which may be an IPv6 address. Of one that listens on all, it is the loopback's."""
        scheme = "https" if is_encrypted else "http"
        reached = _LOOPBACK.get(host, host)
        name = f"[{reached}]" if ":" in reached else reached
        return cls(f"{scheme}://{name}:{grpc_port}", f"{scheme}://{name}:{http_port}")
