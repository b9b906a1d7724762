"""Runs one process, and ends it with all its descendants when whoever asked for it is gone.

    python -I -S guard.py GRACE COMMAND…

The guard is a script of its own that needs only the standard library, so that it starts at once. Its standard input is a socket
to the supervisor. It writes the process's id there, one line, and ends the process when the other side closes, which also happens
when the supervisor is killed. SIGTERM goes to the process alone, which may end its children in its own order; what it leaves of
its group gets SIGTERM after that, and whatever is left GRACE seconds after the first SIGTERM gets SIGKILL. The guard's exit code
is the process's, 128 + n after signal n.

On Linux the process dies with its guard, and descendants that left the process group are found and killed too.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_SUPERVISOR = 0
_CANNOT_RUN = 127
_ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main(grace_seconds: float, command: list[str]) -> int:
    """Run `command` until it ends or has to; the exit code."""
    wake = _signals_as_bytes()
    prctl = _prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    guard = os.getpid()

    def die_with_guard() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(_CANNOT_RUN)

    try:
        # The guard has one thread, so that running Python between fork and exec is safe.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_guard)  # noqa: PLW1509
    except OSError as fault:
        os.write(2, f"{command[0]} does not run: {fault}\n".encode())
        return _CANNOT_RUN
    _tell(process.pid)
    if _has_to_end(process.pid, wake):
        _end_in_order(process.pid, wake, time.monotonic() + grace_seconds)
    # The process has not been reaped, so its id still stands for its group, also when it has ended.
    _signal_group(process.pid, signal.SIGKILL)
    code = process.wait()
    _kill_strays()
    return code if code >= 0 else 128 - code


def _has_to_end(pid: int, wake: int) -> bool:
    """Wait until the process has to end, or has ended by itself (False)."""
    while not _has_ended(pid):
        readable = select.select([_SUPERVISOR, wake], [], [])[0]
        if _SUPERVISOR in readable or _ENDINGS & {*os.read(wake, 64)}:
            return True
    return False


def _end_in_order(pid: int, wake: int, deadline: float) -> None:
    """SIGTERM to the process, then to what it leaves of its group; returns when all have ended or the time is over."""
    os.kill(pid, signal.SIGTERM)
    if _comes_true(lambda: _has_ended(pid), wake, deadline):
        _signal_group(pid, signal.SIGTERM)
        _comes_true(lambda: not _has_left_some(pid), wake, deadline)


def _comes_true(condition: Callable[[], bool], wake: int, deadline: float) -> bool:
    """Wait for a condition that changes when a child ends; False when it does not hold at the deadline."""
    while not condition():
        patience = deadline - time.monotonic()
        if patience <= 0:
            return False
        if select.select([wake], [], [], patience)[0]:
            os.read(wake, 64)
    return True


def _has_left_some(leader: int) -> bool:
    """Whether orphans of the group still run, as far as the system handed them to this process."""
    orphans = [child for child in _children() if child != leader and os.getpgid(child) == leader]
    return any(os.waitpid(orphan, os.WNOHANG) == (0, 0) for orphan in orphans)


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses where nobody is left but a zombie
        return


def _kill_strays() -> None:
    """Kill and await the descendants that the system handed to this process, until none is left."""
    while True:
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()]
    except FileNotFoundError:
        return []


def _signals_as_bytes() -> int:
    """A descriptor that becomes readable, with the signal's number, at a signal to end and when a child ends."""
    wake, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in (*_ENDINGS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return wake


def _tell(pid: int) -> None:
    try:
        os.write(_SUPERVISOR, f"{pid}\n".encode())
    except BrokenPipeError:
        return


def _prctl() -> Callable[[int, int], int]:
    if not sys.platform.startswith("linux"):
        return lambda _option, _value: 0
    library = ctypes.CDLL(None)
    return lambda option, value: int(library.prctl(option, value, 0, 0, 0))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
