"""What figures are measured on, and how fast that is at the moment: a shared machine changes from hour to hour."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

_CPU_INFO = Path("/proc/cpuinfo")
_REPOSITORY = Path(__file__).parents[1]
_MEASURED_CODE = (".", ":!benchmarks/results", ":!docs")
"""What counts for whether a version is a commit: results and pages change while one measures."""


def machine() -> dict[str, Any]:
    """The machine, its speed now, and the commit that is measured. It takes a second and a half."""
    return {
        "cores": psutil.cpu_count(),
        "cpu": cpu_model(_CPU_INFO.read_text(encoding="utf-8") if _CPU_INFO.exists() else ""),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "million_steps_per_second": round(steps_per_second(1.5) / 1e6, 2),
        "system": platform.system(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def cpu_model(cpu_info: str) -> str:
    """The processor's name, out of Linux's description; what Python knows of it where there is none."""
    names = (line.partition(":")[2].strip() for line in cpu_info.splitlines() if line.startswith("model name"))
    return next(names, platform.processor())


def steps_per_second(seconds: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """How many steps a loop of Python makes in a second that reads the clock and compares it; it runs for `seconds`."""
    began = now = clock()
    steps = 0
    while now < began + seconds:
        now = clock()
        steps += 1
    return steps / (now - began)


def _commit() -> str:
    """The commit that is measured, `-dirty` when files differ from it or are not in it; empty without git's history."""
    commit = _git("rev-parse", "--short", "HEAD")
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", *_MEASURED_CODE) else commit


def _git(*arguments: str) -> str:
    told = subprocess.run(["git", *arguments], cwd=_REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S607
    return told.stdout.strip()
