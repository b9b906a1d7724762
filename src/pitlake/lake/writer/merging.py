"""The MERGE of rows into a table by their keys, for what hot rows do not cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
from deltalake.table import TableMerger

from pitlake.lake.commits import CommitNote, properties
from pitlake.lake.log import TableLog
from pitlake.lake.predicates import SOURCE, TARGET, join_condition


def merge_by_keys(
    log: TableLog, rows: pa.Table, keys: Sequence[str], note: CommitNote, transactions: Mapping[str, int]
) -> TableMerger:
    """A MERGE that waits for its clauses and for `execute`, whose commit holds note and offsets; `log.follow` is then due."""
    return log.table.merge(
        rows,
        join_condition(rows, keys),
        source_alias=SOURCE,
        target_alias=TARGET,
        commit_properties=properties(note, transactions),
    )
