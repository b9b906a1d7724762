from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.errors import ProcessError
from pitlake.local.processes import is_alive, last_lines
from pitlake.local.supervision import Change, Event, Part, Restarts, Supervisor, termination_as_exit
from tests.support.waiting import await_that

IMPATIENT = Restarts(quick_deaths=3, quick_seconds=60.0, first_seconds=0.01, most_seconds=0.05)

WORKS = """
import sys, time
from pathlib import Path
Path(sys.argv[1]).touch()
time.sleep(600)
"""

GIVES_UP = """
import sys, time
from pathlib import Path
Path(sys.argv[1]).touch()
time.sleep(0.2)
print("no more")
"""

CHATTERS = """
import sys
from pathlib import Path
Path(sys.argv[1]).touch()
while True:
    print("x" * 1000, flush=True)
"""

SUPERVISING = """
import signal, sys, threading
from pathlib import Path
from pitlake.local.supervision import Change, Part, Supervisor, termination_as_exit
show = lambda event: print(event.change.value, flush=True) if event.change in {Change.ENDING, Change.ENDED} else None
signal.signal(signal.SIGINT, signal.default_int_handler)
log = Path(sys.argv[1], "log")
part = Part("writer", (sys.executable, "-S", "-c", sys.argv[2]), log, ready=lambda: log.read_text() == "up\\n")
with termination_as_exit(), Supervisor(show) as supervisor:
    supervisor.start(part)
    print(supervisor.pid("writer"), flush=True)
    supervisor.watch(threading.Event())
"""


ENDS_SLOWLY = """
import signal, sys, time
def leave(*_):
    time.sleep(0.5)
    print("in order", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""


def _part(folder: Path, name: str, code: str = WORKS, **settings: object) -> Part:
    """A part that is ready when it has made the file of its name."""
    argv = (sys.executable, "-S", "-c", code, str(folder / name))
    defaults: dict[str, object] = {"restarts": IMPATIENT, "grace_seconds": 5.0, "ready": (folder / name).exists}
    return Part(name, argv, folder / f"{name}.log", **{**defaults, **settings})  # type: ignore[arg-type]


@contextmanager
def _watching(supervisor: Supervisor) -> Iterator[list[ProcessError]]:
    """Let a thread watch; gives the list into which it puts the error that ends it."""
    stop, errors = threading.Event(), list[ProcessError]()

    def watch() -> None:
        try:
            supervisor.watch(stop)
        except ProcessError as error:
            errors.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield errors
    finally:
        stop.set()
        thread.join()


@contextmanager
def _supervising(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A process that supervises a part that ends slowly, and what it says: the part's id, then how the part ends."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISING, folder, ENDS_SLOWLY], stdout=subprocess.PIPE) as supervising:
        assert supervising.stdout is not None
        yield supervising, supervising.stdout


def _changes(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.part, event.change.value) for event in events]


def test_parts_start_in_order_and_end_in_reverse(tmp_path: Path) -> None:
    events: list[Event] = []
    with Supervisor(events.append) as supervisor:
        for name in ("broker", "writer"):
            supervisor.start(_part(tmp_path, name))
            assert (tmp_path / name).exists()
    assert _changes(events) == [
        ("broker", "starting"),
        ("broker", "ready"),
        ("writer", "starting"),
        ("writer", "ready"),
        ("writer", "ending"),
        ("writer", "ended"),
        ("broker", "ending"),
        ("broker", "ended"),
    ]


def test_nothing_is_left_when_the_supervisor_is_left(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(_part(tmp_path, "writer"))
        pid = supervisor.pid("writer")
        assert pid is not None
        assert is_alive(pid)
    assert not is_alive(pid)
    assert supervisor.pid("writer") is None


def test_a_part_that_ends_before_it_is_ready_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with Supervisor() as supervisor, pytest.raises(ProcessError, match=r"(?s)writer ended with code 3.*no lake here") as failed:
        supervisor.start(_part(tmp_path, "writer", "print('no lake here'); raise SystemExit(3)"))
    assert str(tmp_path / "writer.log") in failed.value.do


def test_a_part_that_is_not_ready_in_time_is_ended_and_an_error(tmp_path: Path) -> None:
    part = _part(tmp_path, "writer", "import time; time.sleep(600)", ready_seconds=0.1)
    with Supervisor() as supervisor:
        with pytest.raises(ProcessError, match=r"was not ready after 0\.1 s"):
            supervisor.start(part)
        assert supervisor.pid("writer") is None


def test_parts_that_run_are_ended_when_a_later_one_does_not_start(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(_part(tmp_path, "broker"))
        pid = supervisor.pid("broker")
        with pytest.raises(ProcessError):
            supervisor.start(_part(tmp_path, "writer", "raise SystemExit(1)"))
    assert not is_alive(pid or 0)


def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    events: list[Event] = []
    with Supervisor(events.append) as supervisor:
        supervisor.start(_part(tmp_path, "writer"))
        first = supervisor.pid("writer")
        with _watching(supervisor) as errors:
            os.kill(first or 0, signal.SIGKILL)
            await_that(lambda: _changes(events).count(("writer", "ready")) == 2, "the writer is ready again")
            assert supervisor.pid("writer") not in {first, None}
    assert not errors
    assert events[2] == Event("writer", Change.DIED, "ended with code 137; starts again in 0.01 s")


def test_a_part_that_dies_while_another_starts_is_started_again(tmp_path: Path) -> None:
    events: list[Event] = []
    with Supervisor(events.append) as supervisor:
        supervisor.start(_part(tmp_path, "broker"))
        os.kill(supervisor.pid("broker") or 0, signal.SIGKILL)
        is_back = lambda: _changes(events).count(("broker", "ready")) == 2  # noqa: E731
        supervisor.start(Part("writer", _part(tmp_path, "writer").argv, tmp_path / "writer.log", ready=is_back))
    assert ("writer", "ready") in _changes(events)


def test_a_part_that_dies_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(_part(tmp_path, "writer", GIVES_UP))
        with _watching(supervisor) as errors:
            await_that(lambda: bool(errors), "the supervisor has given up")
    assert "ended with code 0, 3 times in a row" in errors[0].what
    assert errors[0].what.endswith("no more")


def test_a_part_that_may_end_ends_once(tmp_path: Path) -> None:
    events: list[Event] = []
    with Supervisor(events.append) as supervisor:
        supervisor.start(_part(tmp_path, "simulator", "pass", restarts=None))
    assert _changes(events) == [("simulator", "starting"), ("simulator", "finished")]


def test_a_part_that_may_end_but_fails_is_an_error(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(_part(tmp_path, "simulator", restarts=None))
        with _watching(supervisor) as errors:
            os.kill(supervisor.pid("simulator") or 0, signal.SIGKILL)
            await_that(lambda: bool(errors), "the supervisor has given up")
    assert "simulator ended with code 137" in errors[0].what


def test_termination_leaves_the_supervisor_in_order(tmp_path: Path) -> None:
    with _supervising(tmp_path) as (supervising, said):
        pid = int(said.readline())
        supervising.terminate()
        assert said.read() == b"ending\nended\n"
        assert supervising.wait() == 128 + signal.SIGTERM
    assert not is_alive(pid)


@pytest.mark.parametrize(("first", "second"), [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGHUP)])
def test_a_second_signal_does_not_break_the_order(tmp_path: Path, first: signal.Signals, second: signal.Signals) -> None:
    with _supervising(tmp_path) as (supervising, said):
        pid = int(said.readline())
        supervising.send_signal(first)
        assert said.readline() == b"ending\n"
        supervising.send_signal(second)
        assert said.read() == b"ended\n"
        assert supervising.wait() == (128 + first if first is signal.SIGTERM else -first)
    assert not is_alive(pid)
    assert last_lines(tmp_path / "log", 1) == "in order"


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with termination_as_exit():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_part_s_log_stays_bounded_while_it_runs(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(_part(tmp_path, "writer", CHATTERS, log_bytes=100_000))
        with _watching(supervisor) as errors:
            await_that((tmp_path / "writer.log.1").exists, "the log has been put aside")
    assert not errors


@given(quick_deaths=st.integers(1, 50))
def test_waits_grow_up_to_the_longest_and_then_there_are_none(quick_deaths: int) -> None:
    restarts = Restarts(quick_deaths=20)
    wait, next_wait = restarts.delay(quick_deaths), restarts.delay(quick_deaths + 1)
    if quick_deaths >= 20:
        assert wait is None
        assert next_wait is None
    else:
        assert wait is not None
        assert restarts.first_seconds <= wait <= restarts.most_seconds
        assert next_wait is None or next_wait >= wait


def test_parts_that_are_launched_are_waited_for_by_name(tmp_path: Path) -> None:
    events: list[Event] = []
    with Supervisor(events.append) as supervisor:
        is_broker_up = lambda: ("broker", "ready") in _changes(events)  # noqa: E731
        supervisor.launch(_part(tmp_path, "broker"), _part(tmp_path, "writer", ready=is_broker_up))
        assert _changes(events) == [("broker", "starting"), ("writer", "starting")]
        supervisor.await_ready("broker")
        assert _changes(events)[2] == ("broker", "ready")
        supervisor.await_ready()
        assert ("writer", "ready") in _changes(events)


def test_a_launched_part_that_never_worked_is_an_error_while_another_is_awaited(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.launch(_part(tmp_path, "writer", "raise SystemExit(3)"), _part(tmp_path, "broker", ready=lambda: False))
        with pytest.raises(ProcessError, match="writer ended with code 3"):
            supervisor.await_ready("broker")
