"""Waiting for the writer: a table that queries of the pipeline read must exist before they start."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from deltalake import DeltaTable

from pitlake.errors import LakeError
from pitlake.lake.names import TableName

_POLL_SECONDS = 0.2


def await_tables(lake: str, wanted: Mapping[TableName, Sequence[str]], stop: threading.Event, *, seconds: float = 120.0) -> None:
    """Return when each table has the columns wanted, or `stop` is set. Raises LakeError when that takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while lacking := [table for table, columns in wanted.items() if not _has(table.path(lake), columns)]:
        if time.monotonic() > deadline:
            raise LakeError(
                f"{', '.join(map(str, lacking))} is read by the pipeline and has not been created in {seconds:.0f} s.",
                do="Start the writer, `pitlake write`, on the same lake; its log says what it cannot create.",
            )
        if stop.wait(_POLL_SECONDS):
            return


def _has(path: str, columns: Sequence[str]) -> bool:
    if not DeltaTable.is_deltatable(path):
        return False
    stored = {field.name for field in DeltaTable(path).schema().fields}
    return stored.issuperset(columns)
