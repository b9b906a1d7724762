"""Where an endpoint answers, as clients write it."""

from __future__ import annotations

import pytest

from pitlake.ingest.addresses import Addresses


def test_streams_and_tables_have_a_port_each():
    assert Addresses.on("127.0.0.1", 1, 2, is_encrypted=False) == Addresses("http://127.0.0.1:1", "http://127.0.0.1:2")


@pytest.mark.parametrize(("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])  # noqa: S104
def test_who_listens_on_all_interfaces_is_reached_by_the_loopback_one(host, reached):
    assert Addresses.on(host, 1, 2, is_encrypted=False).endpoint == f"http://{reached}:1"


def test_an_address_with_colons_stands_in_brackets():
    assert Addresses.on("::1", 1, 2, is_encrypted=True) == Addresses("https://[::1]:1", "https://[::1]:2")
