"""How a process tells that it is ready: a file in the home that names the process.

The file names the process by its id and its start, so that what an earlier process left behind announces nothing.
"""

from __future__ import annotations

import json

import psutil

from pitlake.local.files import write_atomically
from pitlake.local.home import Home


def announce_ready(home: Home, part: str) -> None:
    """Tell that this process, which is `part` of the system, is ready."""
    process = psutil.Process()
    write_atomically(home.ready / part, json.dumps({"pid": process.pid, "started": process.create_time()}))


def is_ready(home: Home, part: str) -> bool:
    """Whether the process that is `part` of the system has announced itself and still lives."""
    try:
        announced = json.loads((home.ready / part).read_text(encoding="utf-8"))
        process = psutil.Process(announced["pid"])
        return bool(process.create_time() == announced["started"] and process.status() != psutil.STATUS_ZOMBIE)
    except (FileNotFoundError, psutil.NoSuchProcess):
        return False
