from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.resources import Meter
from pitlake.local.processes import GuardedProcess, is_alive
from tests.support.waiting import await_pid, await_that

BURN = "import time; end = time.process_time() + {seconds}; [None for _ in iter(lambda: time.process_time() < end, False)]"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN.format(seconds=0.3)!r}], check=True)
print("burnt", flush=True)
sys.stdin.read()
"""


PARTING = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", {BURN.format(seconds=0.3)!r}]).pid, flush=True)
"""
GRANDPARENT = f"""
import subprocess, sys, time
subprocess.run([sys.executable, "-c", {PARTING!r}], check=True)
time.sleep(60)
"""


@contextmanager
def burning() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose child takes 0.3 s of processor time and ends; then it says so and waits."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        yield parent
        assert parent.stdin
        parent.stdin.close()


def has_burnt(parent: subprocess.Popen[bytes]) -> bool:
    assert parent.stdout
    return parent.stdout.readline() == b"burnt\n"


def test_the_cost_is_that_of_the_whole_tree_also_of_children_that_have_ended() -> None:
    with burning() as parent:
        with Meter([parent.pid]) as meter:
            assert has_burnt(parent)
        assert 0.3 < meter.cpu_seconds < 3
        assert meter.memory_mb > 1


def test_what_was_used_before_the_block_is_no_cost() -> None:
    with burning() as parent:
        assert has_burnt(parent)
        with Meter([parent.pid]) as meter:
            pass
        assert meter.cpu_seconds < 0.1


def test_the_cost_of_an_orphan_that_has_ended_is_its_guards(tmp_path: Path) -> None:
    log = tmp_path / "log"
    guarded = GuardedProcess([sys.executable, "-c", GRANDPARENT], {}, log, grace_seconds=5.0)
    assert guarded.pid is not None
    try:
        with Meter([psutil.Process(guarded.pid).ppid()]) as meter:
            orphan = await_pid(log)
            await_that(lambda: not is_alive(orphan), "the orphan has ended")
        assert meter.cpu_seconds > 0.3
    finally:
        guarded.end()
