from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pitlake.local.home import Home
from pitlake.local.processes import GuardedProcess, is_alive, last_lines
from tests.support.waiting import await_pid, await_that

FAMILY = """
import subprocess, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
child = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\\\n'); time.sleep(600)"
for name, alone in (("in_group", False), ("alone", True)):
    subprocess.Popen([sys.executable, "-S", "-c", child, str(folder / name)], start_new_session=alone)
time.sleep(600)
"""

ORDERLY = """
import signal, sys, time
def leave(*_):
    print("in order")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""

SLOW = """
import signal, sys, time
def leave(*_):
    time.sleep(0.5)
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
time.sleep(600)
"""

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""

# Leader and child each say that they end; a child that got the signal together with its leader would be the first to say so.
HOUSEHOLD = """
import signal, subprocess, sys, time
member = '''
import signal, sys, time
def leave(*_):
    time.sleep(float(sys.argv[2]))
    print(sys.argv[1], "ends", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print(sys.argv[1], "up", flush=True)
'''
subprocess.Popen([sys.executable, "-S", "-c", member + "time.sleep(600)", "child", "0.1"])
sys.argv[1:] = ["leader", "0.3"]
exec(member)
time.sleep(600)
"""

PRINTS_WHEN_TOLD = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("before", flush=True)
signal.sigwait({signal.SIGUSR1})
print("after", flush=True)
"""

SUPERVISOR = """
import signal, sys
from pathlib import Path
from pitlake.local.home import Home
from pitlake.local.processes import GuardedProcess
folder = Path(sys.argv[1])
argv = [sys.executable, "-S", "-c", sys.argv[2], str(folder)]
with Home(folder).locked() as lock:
    process = GuardedProcess(argv, {}, folder / "log", grace_seconds=5, held=[lock])
    print(process.pid, flush=True)
    signal.pause()
"""

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs the process control of Linux")


def _run(code: str, folder: Path, *, grace_seconds: float = 5.0, env: dict[str, str] | None = None) -> GuardedProcess:
    argv = [sys.executable, "-S", "-c", code, str(folder)]
    return GuardedProcess(argv, env or {}, folder / "log", grace_seconds=grace_seconds)


def _run_family(folder: Path) -> tuple[GuardedProcess, list[int]]:
    """A process with a child in its group and one outside; the ids of all three."""
    process = _run(FAMILY, folder)
    return process, [process.pid or 0, *(await_pid(folder / name) for name in ("in_group", "alone"))]


def _await_code(process: GuardedProcess) -> int | None:
    await_that(lambda: process.exit_code() is not None, "the process has ended")
    return process.exit_code()


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_process_s_own(tmp_path: Path, code: int) -> None:
    assert _await_code(_run(f"raise SystemExit({code})", tmp_path)) == code


def test_a_signal_s_exit_code_is_128_and_its_number(tmp_path: Path) -> None:
    process = _run("import time; time.sleep(600)", tmp_path)
    os.kill(process.pid or 0, signal.SIGKILL)
    assert _await_code(process) == 128 + signal.SIGKILL


def test_a_command_that_does_not_exist_ends_with_127_and_says_so(tmp_path: Path) -> None:
    process = GuardedProcess(["/nowhere/at/all"], {}, tmp_path / "log", grace_seconds=1.0)
    assert process.pid is None
    assert _await_code(process) == 127
    assert "/nowhere/at/all does not run" in last_lines(tmp_path / "log")


def test_the_process_gets_its_environment_and_writes_its_log(tmp_path: Path) -> None:
    _await_code(_run("import os; print(os.environ['PART'])", tmp_path, env={"PART": "writer"}))
    assert last_lines(tmp_path / "log") == "writer"


def test_the_log_of_the_run_before_is_kept_and_older_ones_are_not(tmp_path: Path) -> None:
    for number in range(3):
        _await_code(_run(f"print({number})", tmp_path))
    assert {log.name: log.read_text() for log in tmp_path.glob("log*")} == {"log": "2\n", "log.1": "1\n"}


def test_a_log_that_has_grown_is_put_aside_and_goes_on_empty(tmp_path: Path) -> None:
    process = _run(PRINTS_WHEN_TOLD, tmp_path)
    await_that(lambda: last_lines(tmp_path / "log") == "before", "the process is up")
    process.bound_log(most_bytes=len("before"))
    os.kill(process.pid or 0, signal.SIGUSR1)
    _await_code(process)
    assert {log.name: log.read_text() for log in tmp_path.glob("log*")} == {"log": "after\n", "log.1": "before\n"}


def test_a_log_within_its_bound_is_left_alone(tmp_path: Path) -> None:
    process = _run("print('little')", tmp_path)
    _await_code(process)
    process.bound_log(most_bytes=len("little\n"))
    assert [(log.name, log.read_text()) for log in tmp_path.glob("log*")] == [("log", "little\n")]


def test_a_log_that_somebody_has_deleted_needs_no_bound(tmp_path: Path) -> None:
    process = _run("", tmp_path)
    _await_code(process)
    (tmp_path / "log").unlink()
    process.bound_log()
    assert not list(tmp_path.glob("log*"))


def test_the_end_is_asked_for_before_it_is_forced(tmp_path: Path) -> None:
    process = _run(ORDERLY, tmp_path)
    await_that(lambda: last_lines(tmp_path / "log") == "up", "the process is up")
    process.end()
    assert last_lines(tmp_path / "log") == "up\nin order"


def test_what_does_not_end_in_its_grace_is_killed(tmp_path: Path) -> None:
    process = _run(STUBBORN, tmp_path, grace_seconds=0.2)
    await_that(lambda: last_lines(tmp_path / "log") == "deaf", "the process is up")
    began = time.monotonic()
    process.end()
    assert not is_alive(process.pid or 0)
    assert time.monotonic() - began < 4.0


@on_linux
def test_the_process_ends_before_the_rest_of_its_group_is_asked_to(tmp_path: Path) -> None:
    process = _run(HOUSEHOLD, tmp_path)
    await_that(lambda: len(last_lines(tmp_path / "log").splitlines()) == 2, "both are up")
    process.end()
    assert last_lines(tmp_path / "log", 2) == "leader ends\nchild ends"


@on_linux
def test_the_end_takes_all_descendants_along_even_those_of_other_groups(tmp_path: Path) -> None:
    process, family = _run_family(tmp_path)
    process.end()
    assert not any(is_alive(pid) for pid in family)


@on_linux
def test_descendants_do_not_outlive_a_process_that_was_killed(tmp_path: Path) -> None:
    process, family = _run_family(tmp_path)
    os.kill(process.pid or 0, signal.SIGKILL)
    assert _await_code(process) == 128 + signal.SIGKILL
    assert not any(is_alive(pid) for pid in family)


@on_linux
def test_a_supervisor_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, tmp_path, FAMILY], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        part = int(supervisor.stdout.readline())
        family = [await_pid(tmp_path / name) for name in ("in_group", "alone")]
        guard = _parent(part)
        supervisor.kill()
    await_that(lambda: not any(is_alive(pid) for pid in (guard, part, *family)), "all have ended")


def test_a_home_stays_locked_until_the_processes_of_a_killed_supervisor_have_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, tmp_path, SLOW], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        part = int(supervisor.stdout.readline())
        await_that(lambda: last_lines(tmp_path / "log") == "up", "the process is up")
        supervisor.kill()
    assert is_alive(part)
    with Home(tmp_path).locked():
        assert not is_alive(part)


@on_linux
def test_a_guard_that_is_killed_leaves_no_descendant_once_the_supervisor_looks(tmp_path: Path) -> None:
    process, family = _run_family(tmp_path)
    os.kill(_parent(process.pid or 0), signal.SIGKILL)
    assert _await_code(process) == 128 + signal.SIGKILL
    assert not any(is_alive(pid) for pid in family)


@on_linux
def test_the_end_takes_all_descendants_along_even_when_the_guard_was_killed(tmp_path: Path) -> None:
    process, family = _run_family(tmp_path)
    os.kill(_parent(process.pid or 0), signal.SIGKILL)
    process.end()
    assert not any(is_alive(pid) for pid in family)


@on_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_guard_that_is_asked_to_end_ends_its_process_and_all_descendants(tmp_path: Path, number: signal.Signals) -> None:
    process, family = _run_family(tmp_path)
    os.kill(_parent(process.pid or 0), number)
    assert _await_code(process) == 128 + signal.SIGTERM
    assert not any(is_alive(pid) for pid in family)


def test_a_log_that_does_not_exist_has_no_last_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "log") == ""


def test_the_last_lines_are_the_last(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert last_lines(tmp_path / "log", 2) == "line 99998\nline 99999"


def _parent(pid: int) -> int:
    return int(psutil.Process(pid).ppid())
