"""Plain Delta tables that no stream feeds, such as dimensions: written once, then their users' to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltalake import DeltaTable, Schema, write_deltalake
from deltalake.exceptions import TableNotFoundError

from pitlake.errors import LakeError

if TYPE_CHECKING:
    import pyarrow as pa

    from pitlake.lake.names import TableName


def seed_table(lake: str, name: TableName, rows: pa.Table, comment: str) -> bool:
    """Create the table `name` with `rows` unless it exists; whether it was created.

    The fields of `rows` give names, types and nullability and, as field metadata `comment`, the columns' comments; timestamps are
    in UTC. A table that exists keeps its rows, its comments and columns of its own. Raises LakeError if it lacks one of the
    fields, or has it in another type.
    """
    path = name.path(lake)
    try:
        stored = DeltaTable(path).schema()
    except TableNotFoundError:
        write_deltalake(path, rows, mode="error", name=name.name, description=comment)
        return True
    _check(name, stored, Schema.from_arrow(rows.schema))
    return False


def _check(name: TableName, stored: Schema, wanted: Schema) -> None:
    present = {field.name: field.type for field in stored.fields}
    for field in wanted.fields:
        if present.get(field.name) != field.type:
            raise LakeError(
                f"{name} exists, but without the column {field.name} as it is declared.",
                do="Move the table's directory away to have it created again, or give it that column.",
            )
