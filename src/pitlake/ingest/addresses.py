"""Where an endpoint answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Addresses:
    """Where the endpoint answers: `endpoint` for streams, `workspace` for tokens and REST. Both are URLs."""

    endpoint: str
    workspace: str

    @classmethod
    def on(cls, host: str, grpc_port: int, http_port: int, *, is_encrypted: bool) -> Self:
        """Those of two ports on a host, which may be an IPv6 address."""
        scheme = "https" if is_encrypted else "http"
        name = f"[{host}]" if ":" in host else host
        return cls(f"{scheme}://{name}:{grpc_port}", f"{scheme}://{name}:{http_port}")
