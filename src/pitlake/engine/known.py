"""Which flow a pipeline began with when all of it was last planned: unless it has changed, that one need not wait for the others.

A faulty pipeline is refused before any of its flows starts. One whose files are those that were planned before is not faulty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyspark

from pitlake import __version__
from pitlake.local.files import write_atomically


class KnownPipeline:
    """What the home in `home` knows of the pipeline in `files` with that `catalog` and `schema`."""

    def __init__(self, home: Path, files: Sequence[Path], catalog: str, schema: str) -> None:
        place = "\n".join([catalog, schema, *(str(file.resolve()) for file in files)])
        self._note = home / "known" / f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"
        self._files = files

    def first_flow(self) -> str | None:
        """The name of the flow that began when these very files were planned by this version; None when they were not."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["first"]) if note["content"] == self._content() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, first: str) -> None:
        """All of the files were planned, and that flow begins. Raises OSError."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._note, json.dumps({"content": self._content(), "first": first}))

    def _content(self) -> str:
        content = hashlib.sha256(f"{__version__} {pyspark.__version__}".encode())
        for file in self._files:
            content.update(hashlib.sha256(file.read_bytes()).digest())
        return content.hexdigest()
