"""Waiting for conditions, and small processes to supervise."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 20.0


def await_that(condition: Callable[[], bool], what: str) -> None:
    """Return when `condition` holds; fail when it does not come to hold."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not so in time: {what}"
        time.sleep(0.01)


def await_pid(file: Path) -> int:
    """The process id that a process writes into `file`, once it has."""
    await_that(lambda: file.is_file() and file.read_text().endswith("\n"), f"{file.name} names a process")
    return int(file.read_text())
