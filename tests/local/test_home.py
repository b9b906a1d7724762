from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pitlake.errors import BrokerError, ConfigurationError
from pitlake.local.home import Home

HOLD = """
import signal, sys
from pathlib import Path
from pitlake.local.home import Home
with Home(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    signal.pause()
"""

LEAVE_A_CHILD = """
import os, subprocess, sys
from pathlib import Path
from pitlake.local.home import Home
with Home(Path(sys.argv[1])).locked() as lock:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"], pass_fds=[lock], stdout=subprocess.DEVNULL)
    print("locked", flush=True)
    os._exit(9)
"""


def _ended_pid() -> int:
    done = subprocess.Popen([sys.executable, "-S", "-c", ""])
    done.wait()
    return done.pid


def test_a_second_run_on_the_same_home_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        try:
            with pytest.raises(ConfigurationError, match=f"in use by process {holder.pid}") as refused, Home(tmp_path).locked():
                pass
            assert "--home" in refused.value.do
        finally:
            holder.send_signal(signal.SIGKILL)


def test_a_home_is_free_again_after_its_run(tmp_path: Path) -> None:
    for _ in range(2):
        with Home(tmp_path).locked():
            assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_processes_that_a_killed_run_left_are_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", LEAVE_A_CHILD, tmp_path], stdout=subprocess.PIPE) as killed:
        assert killed.wait() == 9
    with Home(tmp_path).locked():
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_other_commands_find_the_broker_of_the_run(tmp_path: Path) -> None:
    assert not Home(tmp_path).has_run()
    Home(tmp_path).write_run("127.0.0.1:9092")
    assert Home(tmp_path).has_run()
    assert Home(tmp_path).read_bootstrap() == "127.0.0.1:9092"


def test_a_home_on_which_nothing_runs_has_no_broker(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="Nothing runs"):
        Home(tmp_path).read_bootstrap()


def test_the_note_of_a_run_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    Home(tmp_path).run_file.write_text(json.dumps({"bootstrap": "127.0.0.1:9092", "pid": _ended_pid()}))
    with pytest.raises(BrokerError, match="Nothing runs"):
        Home(tmp_path).read_bootstrap()


def test_a_note_that_cannot_be_read_tells_of_no_run(tmp_path: Path) -> None:
    Home(tmp_path).run_file.write_text('{"bootstrap": "127.0')
    with pytest.raises(BrokerError, match="Nothing runs"):
        Home(tmp_path).read_bootstrap()


def test_the_note_of_an_earlier_run_is_gone_once_the_home_is_taken(tmp_path: Path) -> None:
    Home(tmp_path).write_run("127.0.0.1:9092")
    with Home(tmp_path).locked():
        assert not Home(tmp_path).has_run()


def test_the_end_of_a_run_takes_its_note_away(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.locked():
        home.write_run("127.0.0.1:9092")
    assert not home.run_file.exists()


def test_everything_is_under_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for path in (home.broker, home.checkpoints, home.lake, home.logs, home.ready, home.run_file, home.log("writer")):
        assert path.is_relative_to(tmp_path)
