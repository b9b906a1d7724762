"""Tokens say who may write what, and for how long."""

from __future__ import annotations

import orjson
import pytest

from pitlake.ingest.tokens import Grant, InvalidToken, Tokens, granted, requested_tables

KEY = b"k" * 32


class _Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture(name="clock")
def _clock():
    return _Clock()


@pytest.fixture(name="tokens")
def _tokens(clock):
    return Tokens(KEY, lifetime=3600, clock=clock)


def test_a_token_carries_its_grant(tokens):
    grant = Grant("gateway", ("c.s.t",))
    assert tokens.grant(tokens.issue(grant)) == grant


def test_a_token_is_good_until_its_time_is_over(tokens, clock):
    token = tokens.issue(Grant("gateway", ("c.s.t",)))
    clock.now += 3599
    tokens.grant(token)
    clock.now += 1
    with pytest.raises(InvalidToken, match="expired"):
        tokens.grant(token)


def test_another_keys_token_is_refused(tokens, clock):
    with pytest.raises(InvalidToken, match="not valid"):
        tokens.grant(Tokens(b"x" * 32, clock=clock).issue(Grant("gateway", ())))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
def test_what_is_no_token_is_refused(tokens, token):
    with pytest.raises(InvalidToken):
        tokens.grant(token)


@pytest.mark.parametrize(
    ("pattern", "table", "allowed"),
    [
        ("c.s.t", "c.s.t", True),
        ("c.s.*", "c.s.t", True),
        ("c.s.t", "c.s.other", False),
        ("c.s.*", "c.other.t", False),
    ],
)
def test_a_grant_is_for_a_table_or_for_all_of_a_schema(pattern, table, allowed):
    assert Grant("gateway", (pattern,)).may_write(table) is allowed


def _details(table, **fields):
    privilege = {"type": "unity_catalog_privileges", "object_type": "TABLE", "object_full_path": table}
    catalog = {
        "type": "unity_catalog_privileges",
        "privileges": ["USE CATALOG"],
        "object_type": "CATALOG",
        "object_full_path": "c",
    }
    return orjson.dumps([catalog, {**privilege, **fields}]).decode()


def test_a_request_names_the_tables_that_it_wants_to_write():
    assert requested_tables(_details("c.s.t", privileges=["SELECT", "MODIFY"])) == ["c.s.t"]
    assert requested_tables(_details("c.s.t", operations=["zerobuswrite"])) == ["c.s.t"]
    assert requested_tables(_details("c.s.t", privileges=["SELECT"])) == []
    assert requested_tables(_details("c.s.t", operations=[{}, 5])) == []
    assert requested_tables(None) is None


@pytest.mark.parametrize("details", ["{", "5", "[5]"])
def test_details_that_are_no_list_of_objects_are_an_error(details):
    with pytest.raises(ValueError, match=r"object|unexpected|JSON|key"):
        requested_tables(details)


def test_of_what_is_asked_for_only_what_is_allowed_is_granted():
    assert granted("g", ["c.s.*"], ["c.s.t", "c.other.t"]).tables == ("c.s.t",)
    assert granted("g", ["c.s.*"], None).tables == ("c.s.*",)


@pytest.mark.parametrize("wanted", ["c.s.line*", "c.s.line?", "c.s.line[0-9]"])
def test_a_pattern_that_is_asked_for_is_not_granted(wanted):
    assert granted("g", ["c.s.line?", "c.s.*"], [wanted]).tables == ()
