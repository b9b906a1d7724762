"""What the processes of a system share."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading

import pytest

from pitlake.cli.parts import _Seldom, announce_part, await_run, bootstrap_of, stop_on_signal
from pitlake.cli.settings import Settings
from pitlake.errors import BrokerError
from pitlake.local.home import Home
from pitlake.local.readiness import is_ready


def test_a_kafka_that_is_named_is_used(tmp_path):
    assert bootstrap_of(Settings(home=tmp_path, kafka="kafka:9092")) == "kafka:9092"


def test_an_idle_home_is_an_error_at_once(tmp_path):
    with pytest.raises(BrokerError, match="Nothing runs"):
        bootstrap_of(Settings(home=tmp_path))


def test_a_part_of_a_system_waits_for_its_run(tmp_path, capsys):
    starting = threading.Timer(0.2, Home(tmp_path).write_run, ["127.0.0.1:9092"])
    starting.start()
    assert await_run(Settings(home=tmp_path, wait=True), threading.Event())
    assert Home(tmp_path).has_run()
    assert "Waiting for a run on" in capsys.readouterr().err
    starting.join()


def test_nothing_is_waited_for_unless_the_settings_say_so(tmp_path):
    assert await_run(Settings(home=tmp_path), threading.Event())


def test_a_part_of_a_system_tells_it_that_it_is_ready(tmp_path):
    announce_part(Settings(home=tmp_path, wait=True), "pipeline")
    assert is_ready(Home(tmp_path), "pipeline")


def test_what_runs_beside_a_system_is_no_part_of_it(tmp_path):
    announce_part(Settings(home=tmp_path), "pipeline")
    assert not is_ready(Home(tmp_path), "pipeline")


def test_a_signal_is_heard_that_comes_while_the_event_is_locked():
    with stop_on_signal() as stop:
        with stop._cond:
            signal.raise_signal(signal.SIGTERM)
        assert stop.wait(5)


def test_a_part_that_waits_ends_when_it_is_told_to(tmp_path):
    waiting = [sys.executable, "-m", "pitlake", "write", "--home", str(tmp_path)]
    with subprocess.Popen(waiting, env={**os.environ, "PITLAKE_WAIT": "true"}, stderr=subprocess.PIPE) as writer:
        assert writer.stderr is not None
        assert b"Waiting for a run on" in writer.stderr.readline()
        writer.send_signal(signal.SIGTERM)
        assert writer.wait(20) == 0


def test_a_broker_that_is_away_is_told_of_once_in_a_while():
    seldom = _Seldom()
    told = [logging.makeLogRecord({"created": moment}) for moment in (100.0, 100.1, 109.9, 110.0, 110.1)]
    assert [record.created for record in told if seldom.filter(record)] == [100.0, 110.0]
