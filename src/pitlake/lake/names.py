"""A table's full name, and where its Delta files lie in a lake."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pitlake.errors import LakeError

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-]*")


@dataclass(frozen=True, order=True)
class TableName:
    """`catalog.schema.name`; each part is a word of letters, digits, `_` and `-`, so that it can stand in a path."""

    catalog: str
    schema: str
    name: str

    def __post_init__(self) -> None:
        for part in (self.catalog, self.schema, self.name):
            if not _PART.fullmatch(part):
                raise LakeError(
                    f"{part!r} cannot be a part of a table's name.",
                    do="Name catalogs, schemas and tables with letters, digits, '_' and '-' only.",
                )

    @classmethod
    def parse(cls, text: str) -> TableName:
        """The name that `text` spells as `catalog.schema.table`, with or without backticks. Raises LakeError."""
        parts = [part.strip().strip("`") for part in text.split(".")]
        if len(parts) != 3:
            raise LakeError(f"{text!r} is not a full table name.", do="Write it as catalog.schema.table.")
        return cls(*parts)

    def path(self, lake: str) -> str:
        """Where the table lies below `lake`, a directory or an object-store URL."""
        return "/".join((lake.rstrip("/"), self.catalog, self.schema, self.name))

    def __str__(self) -> str:
        return f"{self.catalog}.{self.schema}.{self.name}"
