"""Processes: one that cannot outlive this one, whether one lives, and what one printed last."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

_GUARD = Path(__file__).with_name("guard.py")
_GUARD_SECONDS = 5.0
_TAIL_BYTES = 16 * 1024


class GuardedProcess:
    """A command that runs in a process group of its own, under a guard (guard.py) that ends it when this process ends.

    What it prints goes to `log`; the log of the run before is kept beside it with the suffix `.1`. `env` is added to this
    process's environment. `held` are descriptors that stay open until the guard has ended everything.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], log: Path, *, grace_seconds: float, held: Collection[int] = ()
    ) -> None:
        self._grace_seconds = grace_seconds
        self._socket, guards = socket.socketpair()
        with guards, _fresh(log).open("wb") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(grace_seconds), *argv],
                stdin=guards.fileno(),
                stdout=output,
                stderr=output,
                env={**os.environ, **env},
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
            self._kill_group()
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """SIGTERM to the process group, SIGKILL to what is left of it after the grace; returns when all have ended."""
        self._socket.close()
        try:
            self._guard.wait(self._grace_seconds + _GUARD_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._guard.kill()
            self._guard.wait()

    def _read_pid(self) -> int | None:
        answer = b""
        while not answer.endswith(b"\n"):
            received = self._socket.recv(32)
            if not received:
                return None
            answer += received
        return int(answer)

    def _kill_group(self) -> None:
        if self.pid is not None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):  # macOS refuses where nobody is left but a zombie
                return


def is_alive(pid: int) -> bool:
    """Whether a process with that id runs; one that has ended and only waits for its parent does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
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
        log.replace(log.with_name(f"{log.name}.1"))
    return log
