"""The probe of a Delta table: who polls it, when does he see a row's count grow?

    python -m benchmarks.delta_probe --table PATH --folder FOLDER

watches until SIGTERM.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.freshness import POLL_SECONDS, Row, seen_counts
from benchmarks.probes import record


def sightings(path: str, is_over: Callable[[], bool]) -> Iterator[tuple[float, Row, int]]:
    """Poll the table, which may not exist yet; unix time, row and count of every row whose count has grown."""
    while not DeltaTable.is_deltatable(path):
        if is_over():
            return
        time.sleep(POLL_SECONDS)
    yield from seen_counts(DeltaTable(path), is_over)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="folder for what it tells")
    given = parser.parse_args()
    record(lambda is_over: sightings(given.table, is_over), given.folder)


if __name__ == "__main__":
    main()
