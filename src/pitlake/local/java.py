"""The Java that runs Spark and the broker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from pitlake.errors import EnvironmentProblem

OLDEST = 17

_OWN_THREADS = (b"C1 ", b"C2 ", b"GC ", b"G1 ", b"VM ", b"Sweeper")
"""How names of a Java machine's own threads begin: compilers, garbage collection, and what stops the others."""
_NICENESS = 10

_INSTALL = f"Install Java {OLDEST} or newer (a headless runtime is enough), and point JAVA_HOME at it or put it on PATH."
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_ANSWER_SECONDS = 20.0


def find_java() -> Path:
    """The `java` of JAVA_HOME, else of PATH: the order in which Spark looks. Raises EnvironmentProblem."""
    java = chosen_java()
    version = java_version(java)
    if version < OLDEST:
        raise EnvironmentProblem(f"{java} is Java {version}; Spark needs {OLDEST} or newer.", do=_INSTALL)
    return java


def java_version(java: Path) -> int:
    """The feature release of a `java` command, such as 17. Raises EnvironmentProblem when it does not run."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=_ANSWER_SECONDS)
    except (OSError, subprocess.SubprocessError) as fault:
        raise EnvironmentProblem(f"{java} does not run.", do=_INSTALL) from fault
    found = _VERSION.search(answer.stderr)
    if found is None:
        raise EnvironmentProblem(f"{java} does not tell its version.", do=_INSTALL)
    return int(found[1])


def chosen_java() -> Path:
    """The `java` that `find_java` looks at, whatever its version. Raises EnvironmentProblem when there is none."""
    if home := os.environ.get("JAVA_HOME"):
        java = Path(home, "bin", "java")
        if not java.is_file():
            raise EnvironmentProblem(f"JAVA_HOME is {home}, where there is no bin/java.", do=_INSTALL)
        return java
    if found := shutil.which("java"):
        return Path(found)
    raise EnvironmentProblem("Java is not installed.", do=_INSTALL)


def step_back(pid: int) -> None:
    """Let all that a running Java computes give way to its own threads, the compilers above all.

    Code that is not compiled yet takes several times as long. Under load it keeps all cores busy, and so keeps the compilers
    from compiling it. Threads and processes that start later take after the one that starts them. Linux alone has a niceness for
    each thread (setpriority(2)); elsewhere this does nothing. Where Linux groups processes by session (autogroup, sched(7)) it
    counts within Java's session only; else Java also gives way to all other programs.
    """
    # A thread that had not stepped back yet may have started another one that the listing lacks.
    while sum(_steps_back(thread) for thread in Path("/proc", str(pid), "task").glob("*")):
        pass


def _steps_back(thread: Path) -> bool:
    """Whether the thread does so now: it is not Java's own, and has not yet."""
    with suppress(OSError):  # it has ended meanwhile
        is_own = (thread / "comm").read_bytes().startswith(_OWN_THREADS)
        if not is_own and os.getpriority(os.PRIO_PROCESS, int(thread.name)) < _NICENESS:
            os.setpriority(os.PRIO_PROCESS, int(thread.name), _NICENESS)
            return True
    return False
