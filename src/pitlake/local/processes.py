"""Processes: one that cannot outlive this one, whether one lives, and what one printed last."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LOG_BYTES = 16 * 1024**2
"""A log that has grown beyond this is put aside."""

_GUARD = Path(__file__).with_name("guard.py")
_GUARD_SECONDS = 5.0
_TAIL_BYTES = 16 * 1024
_POLL_SECONDS = 0.05
_MARK = "PITLAKE_GUARDED_PROCESS"
"""Environment variable by which the descendants of a process are known, whatever group or parent they have come to."""


class GuardedProcess:
    """A command that runs in a process group of its own, under a guard (guard.py) that ends it when this process ends.

    What it prints goes to `log`; the log of the run before is kept beside it with the suffix `.1`. `env` is added to this
    process's environment. `held` are descriptors that stay open until the guard has ended everything.

    Should the guard itself be killed, its work is done here: at the next question for the exit code, or at the end.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], log: Path, *, grace_seconds: float, held: Collection[int] = ()
    ) -> None:
        self._log = log
        self._grace_seconds = grace_seconds
        self._mark = secrets.token_hex(8)
        self._socket, guards = socket.socketpair()
        # Appending, so that what runs goes on at the start of a log that was cut.
        with guards, _fresh(log).open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(grace_seconds), *argv],
                stdin=guards.fileno(),
                stdout=output,
                stderr=output,
                env={**os.environ, **env, _MARK: self._mark},
                pass_fds=held,
                start_new_session=True,
            )
        self.pid = self._read_pid()
        """The command's own process; None when it could not be started."""

    def exit_code(self) -> int | None:
        """The command's exit code (128 + n after signal n) when it has ended with all its descendants, None while it runs."""
        code = self._guard.poll()
        if code is None:
            return None
        self._socket.close()
        if code < 0:
            self._kill_all()
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """SIGTERM to the command, then to what it leaves of its group; SIGKILL after the grace. Returns when all have ended."""
        self._socket.close()
        try:
            code = self._guard.wait(self._grace_seconds + _GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            code = self._guard.wait()
        if code < 0:
            self._kill_all()

    def bound_log(self, most_bytes: int = LOG_BYTES) -> None:
        """Put a log aside that has grown beyond `most_bytes`, with the suffix `.1`, and go on with an empty one.

        What is printed at that very moment may be lost, as are the old lines when the disk is full. A deleted log stays deleted.
        """
        with suppress(FileNotFoundError):
            if self._log.stat().st_size > most_bytes:
                with suppress(OSError):
                    shutil.copyfile(self._log, _aside(self._log))
                os.truncate(self._log, 0)

    def _read_pid(self) -> int | None:
        answer = b""
        while not answer.endswith(b"\n"):
            received = self._socket.recv(32)
            if not received:
                return None
            answer += received
        return int(answer)

    def _kill_all(self) -> None:
        """Kill what the guard has left, and what that starts meanwhile; a process that the kernel keeps back is not awaited."""
        deadline = time.monotonic() + _GUARD_SECONDS
        while (left := _marked(self._mark)) and time.monotonic() < deadline:
            for process in left:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=_POLL_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether a process with that id runs; one that has ended and only waits for its parent does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _marked(mark: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _bears(process, mark)]


def _bears(process: psutil.Process, mark: str) -> bool:
    try:
        return bool(process.environ().get(_MARK) == mark)
    except psutil.Error:  # it has ended, or is another user's
        return False


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, or nothing when there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def _fresh(log: Path) -> Path:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(_aside(log))
    return log


def _aside(log: Path) -> Path:
    return log.with_name(f"{log.name}.1")
