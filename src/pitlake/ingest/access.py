"""Who comes, and may they: bearer tokens of streams and requests."""

from __future__ import annotations

from pitlake.ingest.tokens import ANYONE, Grant, InvalidToken, Tokens


class Unauthenticated(Exception):
    """There is no token, or it is not good. The text says why."""


class Access:
    """Checks the `authorization` header; without `tokens` anyone may write."""

    def __init__(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    def grant(self, authorization: str | None) -> Grant:
        """What the sender of this header may do. Raises Unauthenticated."""
        if self._tokens is None:
            return ANYONE
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("There is no bearer token in the authorization header.")
        try:
            return self._tokens.grant(token.strip())
        except InvalidToken as fault:
            raise Unauthenticated(str(fault)) from fault
