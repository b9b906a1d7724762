"""A sidecar: a small append-only Delta table outside the table's own path, durable before the commit it belongs to."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

_CONFIGURATION = {
    "delta.checkpointInterval": "100",
    "delta.logRetentionDuration": "interval 2 minutes",
    "delta.deletedFileRetentionDuration": "interval 15 minutes",
}

_MANY_FILES = 20
_TARGET_BYTES = 16 * 1024 * 1024


class Sidecar:
    """The sidecar at `path`; it comes into being with its first row. One thread at a time."""

    def __init__(self, path: str, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._table = DeltaTable(path) if DeltaTable.is_deltatable(path) else None

    def rows(self) -> pa.Table:
        """All rows."""
        return self._schema.empty_table() if self._table is None else self._table.to_pyarrow_table()

    def next_offset(self, app_id: str) -> int:
        """The topic offset below which the sidecar holds all that belongs to it; 0 when it has never been written."""
        return (self._table.transaction_version(app_id) if self._table else None) or 0

    def append(self, rows: pa.Table, offsets: Mapping[str, int]) -> None:
        """Add rows that stem from records below `offsets` (by app id)."""
        transactions = [Transaction(app_id, offset) for app_id, offset in offsets.items()]
        properties = CommitProperties(app_transactions=transactions, max_commit_retries=0)
        write_deltalake(self._existing(), rows, mode="append", commit_properties=properties)

    def tidy(self) -> None:
        """Merge its small files, if there are many."""
        if self._table is not None and len(self._table.file_uris()) > _MANY_FILES:
            self._table.optimize.compact(target_size=_TARGET_BYTES, commit_properties=CommitProperties(max_commit_retries=0))
            self._delete_old_files()

    def replace(self, rows: pa.Table) -> None:
        """Hold `rows` and nothing else, in one file, and delete files that have long been replaced."""
        if self._table is not None:
            write_deltalake(self._table, rows, mode="overwrite", commit_properties=CommitProperties(max_commit_retries=0))
            self._delete_old_files()

    def _delete_old_files(self) -> None:
        if self._table is not None:
            self._table.vacuum(dry_run=False, enforce_retention_duration=False)
            self._table = DeltaTable(self._path)

    def _existing(self) -> DeltaTable:
        if self._table is None:
            self._table = DeltaTable.create(self._path, self._schema, configuration=_CONFIGURATION)
        return self._table
