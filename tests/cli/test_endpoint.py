"""The endpoint's ports, which its clients have written down."""

from __future__ import annotations

import socket

from pitlake.cli.endpoint import _ports
from pitlake.cli.settings import EndpointSettings
from pitlake.ingest.addresses import Addresses
from pitlake.local.ports import free_ports


def _last(grpc_port, http_port):
    return Addresses(f"http://127.0.0.1:{grpc_port}", f"http://127.0.0.1:{http_port}")


def test_ports_stay_from_start_to_start():
    kept = tuple(free_ports(2))
    assert _ports(EndpointSettings(), _last(*kept)) == kept


def test_a_port_that_another_has_taken_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, (kept,) = other.getsockname()[1], free_ports(1)
        grpc_port, http_port = _ports(EndpointSettings(), _last(taken, kept))
    assert grpc_port not in (taken, kept)
    assert http_port == kept


def test_a_port_that_is_asked_for_wins():
    kept = free_ports(2)
    assert _ports(EndpointSettings(port=8090), _last(*kept)) == (8090, kept[1])
