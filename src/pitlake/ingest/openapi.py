"""The OpenAPI document of what the endpoint answers over HTTP."""

from __future__ import annotations

from typing import Any

from pitlake import __version__


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT = {"type": "string"}

_INSERT: dict[str, Any] = {
    "operationId": "insert",
    "summary": "Insert records into a landing table; the answer comes when they are durable",
    "security": [{"bearer": []}],
    "parameters": [
        {"name": "table", "in": "path", "required": True, "schema": _TEXT, "description": "catalog.schema.table"},
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}},
    },
    "responses": {
        "200": _answer("All records are durable", {"type": "object"}),
        "400": _answer("The body is no JSON array of objects", _reference("Error")),
        "401": _answer("No token, or one that is not good", _reference("Error")),
        "403": _answer("The token does not allow this table", _reference("Error")),
        "404": _answer("There is no such landing table", _reference("Error")),
        "413": _answer("The body is too large", _reference("Error")),
        "501": _answer("The content is not application/json", _reference("Error")),
        "503": _answer("The broker cannot be reached", _reference("Error")),
    },
}

_TOKEN: dict[str, Any] = {
    "operationId": "token",
    "summary": "A token for a client's id and secret",
    "security": [{"client": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "scope": _TEXT,
                        "resource": _TEXT,
                        "authorization_details": {
                            **_TEXT,
                            "description": "JSON list of unity_catalog_privileges",
                        },
                    },
                }
            }
        },
    },
    "responses": {
        "200": _answer("The token", _reference("Token")),
        "400": _answer("The request is wrong", _reference("TokenError")),
        "401": _answer("The client is unknown, or its secret is wrong", _reference("TokenError")),
    },
}


def _look(summary: str, *, also: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": {"description": "Yes"}, **(also or {})}}}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "pitlake ingest", "version": __version__, "description": "Compatible with Databricks Zerobus Ingest"},
    "paths": {
        "/zerobus/v1/tables/{table}/insert": {"post": _INSERT},
        "/oidc/v1/token": {"post": _TOKEN},
        "/healthz": _look("Whether the process lives"),
        "/readyz": _look("Whether records are taken", also={"503": {"description": "No"}}),
        "/metrics": _look("Figures, as Prometheus reads them"),
    },
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}, "client": {"type": "http", "scheme": "basic"}},
        "schemas": {
            "Error": {
                "type": "object",
                "required": ["error_code", "message"],
                "properties": {"error_code": _TEXT, "message": _TEXT},
            },
            "Token": {
                "type": "object",
                "properties": {"access_token": _TEXT, "token_type": _TEXT, "expires_in": {"type": "integer"}, "scope": _TEXT},
            },
            "TokenError": {"type": "object", "properties": {"error": _TEXT, "error_description": _TEXT}},
        },
    },
}
