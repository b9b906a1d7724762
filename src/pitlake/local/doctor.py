"""What a laptop must have to run pitlake, and what to do where it does not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from pitlake.errors import BrokerError, EnvironmentProblem
from pitlake.local.broker import LEAST_FREE_BYTES, Ports, kept_ports, taken_ports
from pitlake.local.home import Home
from pitlake.local.jars import check_jars
from pitlake.local.java import find_java, java_version

LEAST_MEMORY_BYTES = 4 * 1024**3
"""Available to new processes: Spark's driver takes up to 3 GB, broker and Python 1 GB."""

_GB = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing examined: `what` was found, and what to `do` when it is not `ok` (else empty)."""

    name: str
    ok: bool
    what: str
    do: str = ""


def examine(home: Path) -> list[Finding]:
    """Look at Java, jars, disk, memory, home and its ports. Changes nothing, uses no network, raises nothing for its findings."""
    return [_java(), _jars(), _disk(home), _memory(), _home(home), _ports(Home(home))]


def _java() -> Finding:
    def look() -> str:
        java = find_java()
        return f"Java {java_version(java)} at {java}"

    return _finding("java", look)


def _jars() -> Finding:
    return _finding("jars", check_jars)


def _finding(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, ok=True, what=look())
    except EnvironmentProblem as problem:
        return Finding(name, ok=False, what=problem.what, do=problem.do)


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(_nearest(home)).free
    return _enough(
        "disk", f"{free / _GB:.1f} GB free for {home}", free, LEAST_FREE_BYTES, "Free some space, or choose another --home."
    )


def _memory() -> Finding:
    available = psutil.virtual_memory().available
    what = f"{available / _GB:.1f} GB of memory available"
    return _enough("memory", what, available, LEAST_MEMORY_BYTES, "End other programs.")


def _enough(name: str, what: str, found: int, least: int, do: str) -> Finding:
    if found >= least:
        return Finding(name, ok=True, what=what)
    return Finding(name, ok=False, what=f"{what}; {least / _GB:.0f} GB are needed", do=do)


def _home(home: Path) -> Finding:
    nearest = _nearest(home)
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Finding("home", ok=True, what=f"{home} can be written")
    return Finding("home", ok=False, what=f"{home} cannot be written", do=f"Choose another --home, or make {nearest} writable.")


def _ports(home: Home) -> Finding:
    kept = kept_ports(home.broker)
    if kept is None:
        return Finding("ports", ok=True, what="not chosen yet; the first start does")
    names = f"{kept.clients} and {kept.controller}"
    if _is_in_use_by(home, kept):
        return Finding("ports", ok=True, what=f"{names} are in use by the broker of this home")
    taken = taken_ports(kept)
    if not taken:
        return Finding("ports", ok=True, what=f"{names} are free")
    return Finding(
        "ports",
        ok=False,
        what=f"{' and '.join(map(str, taken))}, of this home's broker, taken by another process",
        do=f"`lsof -i :{taken[0]}` names it. End it if it is a broker left on this home; else the next start takes other ports.",
    )


def _is_in_use_by(home: Home, ports: Ports) -> bool:
    try:
        return home.read_bootstrap() == ports.bootstrap
    except BrokerError:
        return False


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    path = path.resolve()
    return next(each for each in (path, *path.parents) if each.exists())
