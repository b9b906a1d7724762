"""How a thread stands to others that want the processor."""

from __future__ import annotations

import os
import sys

import pytest

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has a niceness for each thread")


def niceness(thread: int) -> int:
    """Of a thread, or of the first one of a process; 0 is usual, more gives way."""
    return os.getpriority(os.PRIO_PROCESS, thread)
