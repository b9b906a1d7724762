"""The clients that may write, and to which tables: a file that only its owner can read, with the secrets hashed."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from pitlake.errors import ConfigurationError


class Client(BaseModel):
    """A client; `tables` are full names, or `catalog.schema.*` for all tables of a schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret_sha256: str
    tables: tuple[str, ...]


_FILE = TypeAdapter(dict[str, Client])


class Clients:
    """The clients of one file, which is read anew for each question: one added while the endpoint runs is known at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """The ids of all clients. Raises ConfigurationError when the file cannot be read."""
        return list(self._read())

    def add(self, client_id: str, tables: Iterable[str]) -> str:
        """Add a client, or give one that exists a new secret and these tables; its secret, which is told this once only.

        Raises ConfigurationError when the file cannot be read.
        """
        secret = secrets.token_urlsafe(32)
        clients = self._read() | {client_id: Client(secret_sha256=_hashed(secret), tables=tuple(tables))}
        write_private(self._path, _FILE.dump_json(clients, indent=2))
        return secret

    def authenticated(self, client_id: str, secret: str) -> Client | None:
        """The client whose secret this is; None for an unknown client and a wrong secret."""
        client = self._read().get(client_id)
        known = client.secret_sha256 if client else _hashed("")
        return client if hmac.compare_digest(known, _hashed(secret)) and client else None

    def _read(self) -> dict[str, Client]:
        try:
            return _FILE.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as fault:
            raise ConfigurationError(
                f"The clients in {self._path} cannot be read: {str(fault).partition(chr(10))[0]}",
                do="Correct the file, or remove it and add the clients again.",
            ) from fault


def is_pattern(table: str) -> bool:
    """Whether it may mean more than one table."""
    return any(sign in table for sign in "*?[")


def may_write(patterns: Iterable[str], table: str) -> bool:
    """Whether one of the names or patterns means the table."""
    return any(fnmatchcase(table, pattern) for pattern in patterns)


def signing_key(path: Path) -> bytes:
    """The key with which tokens are signed, made at the first call: tokens stay good while the endpoint starts anew."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(32)
        write_private(path, key)
        return key


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, such that a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)


def _hashed(secret: str) -> str:
    """One round suffices: secrets are random and long, so there is nothing to guess."""
    return sha256(secret.encode()).hexdigest()
