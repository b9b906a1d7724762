"""One broker for the whole test run, on a folder of its own. It ends with the run, however that ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pitlake.local.broker import broker_command, is_answering, prepare_broker
from pitlake.local.jars import fetch_jars
from pitlake.local.java import find_java
from pitlake.local.processes import GuardedProcess, last_lines

START_SECONDS = 120.0


@dataclass(frozen=True)
class RunningBroker:
    """`bootstrap` is the broker's address, `pid` its process."""

    bootstrap: str
    pid: int


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    """A broker that tests share: each makes topics under names of its own, and starts or stops nothing."""
    with running_broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@contextmanager
def running_broker(folder: Path) -> Iterator[RunningBroker]:
    """A broker of the test's own, with its state in `folder`."""
    java, jars = find_java(), fetch_jars()
    bootstrap = prepare_broker(java, jars, folder)
    process = GuardedProcess(broker_command(java, jars, folder), {}, folder / "broker.log", grace_seconds=10.0)
    try:
        _await_answer(bootstrap, process, folder / "broker.log")
        assert process.pid is not None
        yield RunningBroker(bootstrap, process.pid)
    finally:
        process.end()


def _await_answer(bootstrap: str, process: GuardedProcess, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_answering(bootstrap):
        assert process.exit_code() is None, f"the broker ended before it answered:\n{last_lines(log)}"
        assert time.monotonic() < deadline, f"the broker does not answer:\n{last_lines(log)}"
        time.sleep(0.05)
