"""What one may choose of how and where an update runs. Settings and help name it, and do without the engine."""

from __future__ import annotations

from typing import Literal

Mode = Literal["realtime", "micro-batch"]

# Slots are threads, not cores: a real-time query holds source partitions + shuffle partitions of them for as long as it runs,
# and a batch boundary needs some more.
LOCAL_MASTER = "local[256]"
