"""The endpoint over HTTP: inserts, tokens, health, figures, and the document that describes them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Callable
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Any
from urllib.parse import parse_qs

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pitlake.errors import BrokerError
from pitlake.ingest.access import Access, Unauthenticated
from pitlake.ingest.clients import Clients
from pitlake.ingest.doors import Doors
from pitlake.ingest.openapi import DOCUMENT
from pitlake.ingest.tables import MOST_RECORD_BYTES
from pitlake.ingest.tokens import Tokens, granted, requested_tables

MOST_BODY_BYTES = 16 * 1024 * 1024

_decode = json.JSONDecoder().raw_decode


class HttpError(Exception):
    """A request that is answered with an error, in the service's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error_code": code, "message": message}


def _invalid(message: str) -> HttpError:
    return HttpError(400, "INVALID_PARAMETER_VALUE", message)


class RestService:
    """The requests of one server; it is `ready` while its owner says so."""

    def __init__(self, doors: Doors, access: Access, clients: Clients, tokens: Tokens, registry: CollectorRegistry) -> None:
        self._doors = doors
        self._access = access
        self._clients = clients
        self._tokens = tokens
        self._registry = registry
        self.ready = False

    def app(self) -> Starlette:
        """What a server is given to serve."""
        return Starlette(
            routes=[
                Route("/zerobus/v1/tables/{table}/insert", self._insert, methods=["POST"]),
                Route("/oidc/v1/token", self._token, methods=["POST"]),
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                Route("/openapi.json", self._openapi),
            ],
            exception_handlers={
                HttpError: _answer_error,
                BrokerError: _answer_broker_away,
                404: _answer_unknown,
                405: _answer_unknown,
            },
        )

    async def _insert(self, request: Request) -> Response:
        name = request.path_params["table"]
        try:
            grant = self._access.grant(request.headers.get("authorization"))
        except Unauthenticated as fault:
            raise HttpError(401, "UNAUTHENTICATED", str(fault)) from fault
        table = await self._doors.find(name)
        if table is None:
            raise HttpError(404, "NOT_FOUND", f"There is no landing table {name}.")
        if not grant.may_write(name):
            raise HttpError(403, "PERMISSION_DENIED", f"{grant.client_id} may not write to {name}.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HttpError(501, "NOT_IMPLEMENTED", f"Content of type {kind or 'unknown'} is not taken; send application/json.")
        await table.door.room()
        body, arrived = await _body(request), time.perf_counter()
        receipt = table.submit(records_of(body), grant.client_id.encode())
        if receipt.group is not None:
            await asyncio.shield(receipt.group.written)
        table.acknowledged(arrived)
        return JSONResponse({})

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await _body(request)).decode("utf-8", "replace")).items()}
        client_id, secret = _credentials(request.headers.get("authorization"), form)
        client = self._clients.authenticated(client_id, secret)
        if client is None:
            return _oauth_error(401, "invalid_client", "The client is unknown, or its secret is wrong.")
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "The grant type is not client_credentials.")
        try:
            requested = requested_tables(form.get("authorization_details"))
        except ValueError as fault:
            return _oauth_error(400, "invalid_authorization_details", str(fault))
        grant = granted(client_id, client.tables, requested)
        body = {
            "access_token": self._tokens.issue(grant),
            "token_type": "Bearer",
            "expires_in": self._tokens.lifetime,
            "scope": form.get("scope", "all-apis"),
        }
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _readyz(self, _request: Request) -> Response:
        return JSONResponse({"ready": self.ready}, status_code=200 if self.ready else 503)

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def _openapi(self, _request: Request) -> Response:
        return JSONResponse(DOCUMENT)


def records_of(body: bytes) -> list[bytes]:
    """The objects of a JSON array, each verbatim. Raises HttpError for anything else."""
    try:
        text = body.decode()
        if not isinstance(json.loads(text), list):
            raise _invalid("The body is no JSON array of objects.")
        records = [item.encode() for item in _items(text)]
    except (ValueError, RecursionError) as fault:
        raise _invalid(f"The body is no JSON: {fault}") from fault
    if max(map(len, records), default=0) > MOST_RECORD_BYTES:
        raise _invalid(f"A record has more than {MOST_RECORD_BYTES:,} bytes.")
    return records


def _items(text: str) -> list[str]:
    """The texts of the items of an array that is known to be valid."""
    skip: Callable[[str, int], Any] = WHITESPACE.match
    at = skip(text, skip(text, 0).end() + 1).end()
    items = []
    while text[at] != "]":
        value, end = _decode(text, at)
        if not isinstance(value, dict):
            raise _invalid("An item of the array is no object.")
        items.append(text[at:end])
        at = skip(text, end).end()
        at = skip(text, at + 1).end() if text[at] == "," else at
    return items


async def _body(request: Request) -> bytes:
    """The body, given up as soon as it grows too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            raise HttpError(413, "INVALID_PARAMETER_VALUE", f"The body has more than {MOST_BODY_BYTES:,} bytes.")
    return bytes(body)


def _credentials(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """Id and secret from HTTP Basic, else from the form; empty where there are none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def _oauth_error(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)  # noqa: S101 - registered for nothing else
    return JSONResponse(error.body, status_code=error.status)


async def _answer_broker_away(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BrokerError)  # noqa: S101 - registered for nothing else
    return JSONResponse({"error_code": "TEMPORARILY_UNAVAILABLE", "message": error.what}, status_code=503)


async def _answer_unknown(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    body = {"error_code": "NOT_FOUND", "message": f"There is no {request.method} {request.url.path}."}
    return JSONResponse(body, status_code=status)
