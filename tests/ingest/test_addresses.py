"""Where an endpoint answers, as clients write it."""

from __future__ import annotations

from pitlake.ingest.addresses import Addresses


def test_streams_and_tables_have_a_port_each():
    assert Addresses.on("127.0.0.1", 1, 2, is_encrypted=False) == Addresses("http://127.0.0.1:1", "http://127.0.0.1:2")


def test_an_address_with_colons_stands_in_brackets():
    assert Addresses.on("::1", 1, 2, is_encrypted=True) == Addresses("https://[::1]:1", "https://[::1]:2")
