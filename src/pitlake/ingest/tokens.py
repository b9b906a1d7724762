"""Tokens: short-lived, signed, with the tables that their bearer may write (OAuth 2.0 client credentials, RFC 6749 and 9396)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import jwt
import jwt.types
import orjson

from pitlake.ingest.clients import is_pattern, may_write

LIFETIME_SECONDS = 3600
"""How long a token is good, as the service has it."""

_ALGORITHM = "HS256"
_ISSUER = "pitlake"
_WRITING = "zerobuswrite"


class InvalidToken(Exception):
    """Not a token of this endpoint, or one that has expired. The text says which."""


@dataclass(frozen=True)
class Grant:
    """What a bearer may do; `tables` as in Client."""

    client_id: str
    tables: tuple[str, ...]

    def may_write(self, table: str) -> bool:
        """Whether the bearer may write to the table."""
        return may_write(self.tables, table)


ANYONE = Grant("anonymous", ("*",))
"""Who comes to an endpoint that asks for no tokens."""


class Tokens:
    """Issues and checks tokens. `clock` gives seconds since the epoch."""

    def __init__(self, key: bytes, *, lifetime: int = LIFETIME_SECONDS, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self.lifetime = lifetime

    def issue(self, grant: Grant) -> str:
        """A token for what is granted."""
        now = int(self._clock())
        claims = {"iss": _ISSUER, "sub": grant.client_id, "iat": now, "exp": now + self.lifetime, "tables": list(grant.tables)}
        return jwt.encode(claims, self._key, _ALGORITHM)

    def grant(self, token: str) -> Grant:
        """What the bearer of a token may do. Raises InvalidToken."""
        options: jwt.types.Options = {"require": ["sub", "exp", "tables"], "verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(token, self._key, [_ALGORITHM], issuer=_ISSUER, options=options)
        except jwt.InvalidTokenError as fault:
            raise InvalidToken(f"The token is not valid: {fault}.") from fault
        if claims["exp"] <= self._clock():
            raise InvalidToken("The token has expired.")
        return Grant(claims["sub"], tuple(claims["tables"]))


def requested_tables(authorization_details: str | None) -> list[str] | None:
    """The tables that a token request asks to write; None when it has no `authorization_details`, which asks for all.

    They are a JSON list of `unity_catalog_privileges`, of which those of a table name `zerobuswrite` among their operations or
    MODIFY among their privileges. Raises ValueError for anything else.
    """
    if not authorization_details:
        return None
    details = orjson.loads(authorization_details)
    if not isinstance(details, list) or not all(isinstance(detail, dict) for detail in details):
        raise ValueError("authorization_details is no list of objects")
    return [str(detail.get("object_full_path", "")) for detail in details if _asks_to_write(detail)]


def _asks_to_write(detail: dict[str, object]) -> bool:
    named = [detail.get(field) for field in ("operations", "privileges")]
    asked = {name for names in named if isinstance(names, list) for name in names if isinstance(name, str)}
    return detail.get("object_type") == "TABLE" and bool(asked & {_WRITING, "MODIFY"})


def granted(client_id: str, allowed: Iterable[str], requested: Iterable[str] | None) -> Grant:
    """What a client gets of what it asks for: the tables that it may write, or all of them when it names none.

    What it asks for are names: a pattern would match more than what the client may write.
    """
    if requested is None:
        return Grant(client_id, tuple(allowed))
    patterns = tuple(allowed)
    return Grant(client_id, tuple(table for table in requested if not is_pattern(table) and may_write(patterns, table)))
