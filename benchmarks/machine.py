"""What figures are measured on, and how fast that is at the moment: a shared machine changes from hour to hour."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

_CPU_INFO = Path("/proc/cpuinfo")
_LOOP_SECONDS = 1.5


def machine() -> dict[str, Any]:
    """What the machine is, and its speed now."""
    return {
        "cores": psutil.cpu_count(),
        "cpu": cpu_model(_CPU_INFO.read_text(encoding="utf-8") if _CPU_INFO.exists() else ""),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "million_steps_per_second": round(steps_per_second(_LOOP_SECONDS) / 1e6, 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def cpu_model(cpu_info: str) -> str:
    """The processor's name, out of Linux's description; what Python knows of it where there is none."""
    names = (line.partition(":")[2].strip() for line in cpu_info.splitlines() if line.startswith("model name"))
    return next(names, platform.processor())


def steps_per_second(seconds: float, clock: Callable[[], float] = time.perf_counter) -> float:
    """Steps a second of a loop of Python, each a reading of the clock and a comparison; it runs for `seconds`."""
    began = now = clock()
    steps = 0
    while now < began + seconds:
        now = clock()
        steps += 1
    return steps / (now - began)
