"""What the three ways into a table have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from pitlake.lake.commits import CommitNote, Fence
from pitlake.lake.log import TableLog
from pitlake.lake.writer.batches import Batch


@dataclass(frozen=True)
class Prepared:
    """What of a batch goes into the table: `rows` to write, `stored` the batch rows that they keep, and what is left out.

    `repeated` are those of the duplicates that are no replay, nor the other query's: their flow gave two rows one key. `known`
    are those that are written once more though the table is known to have them, or what outranks them: they are not among
    `stored`, nor told of.
    """

    rows: pa.Table
    stored: Batch
    fence: Mapping[str, Fence]
    duplicates: int = 0
    repeated: int = 0
    known: int = 0
    unsequenced: int = 0


class Sink(Protocol):
    """One way into a table."""

    def prepare(self, batch: Batch, fence: Mapping[str, Fence]) -> Prepared:
        """Choose the rows to write. Changes nothing."""
        ...

    def write(self, log: TableLog, prepared: Prepared, note: CommitNote, transactions: Mapping[str, int]) -> None:
        """Write them, at least one, in one commit with `note` and `transactions`, the topic's next offsets by app id.

        There may be no commit when they change nothing. Raises deltalake's errors and OSError.
        """
        ...

    def forget(self) -> None:
        """Forget what is known of the table's rows: somebody else, upkeep for one, has written."""
        ...
