"""What the processes of a system share."""

from __future__ import annotations

import threading

import pytest

from pitlake.cli.parts import bootstrap_of
from pitlake.cli.settings import Settings
from pitlake.errors import BrokerError
from pitlake.local.home import Home


def test_a_kafka_that_is_named_is_used(tmp_path):
    assert bootstrap_of(Settings(home=tmp_path, kafka="kafka:9092")) == "kafka:9092"


def test_an_idle_home_is_an_error_at_once(tmp_path):
    with pytest.raises(BrokerError, match="Nothing runs"):
        bootstrap_of(Settings(home=tmp_path))


def test_a_part_of_a_system_waits_for_its_run(tmp_path):
    starting = threading.Timer(0.2, Home(tmp_path).write_run, ["127.0.0.1:9092"])
    starting.start()
    assert bootstrap_of(Settings(home=tmp_path, wait=True)) == "127.0.0.1:9092"
    starting.join()


def test_waiting_ends_when_the_part_is_stopped(tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(BrokerError, match="Nothing runs"):
        bootstrap_of(Settings(home=tmp_path, wait=True), stop)
