from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.resources import Meter

BURN = "import time; end = time.process_time() + {seconds}; [None for _ in iter(lambda: time.process_time() < end, False)]"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN.format(seconds=0.3)!r}], check=True)
print("burnt", flush=True)
sys.stdin.read()
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
