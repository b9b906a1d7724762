"""Which flow a pipeline began with when all of it was last planned: while its code stays as it was, that one need not wait.

A faulty pipeline is refused before any of its flows starts. One whose code was planned before has no fault of its own; what it
reads may be gone, though, and then it is refused when its first flow runs already.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyspark

from pitlake import __version__
from pitlake.errors import PitlakeError
from pitlake.local.files import write_atomically
from pitlake.pipelines.loading import files_of

_MOST_FILES = 500
"""A pipeline beside more files than these is never known: to read them all would take longer than it gains."""

_log = logging.getLogger(__name__)


class KnownPipeline:
    """What `home` knows of the pipeline in `paths`, files or folders, whose tables are in `place`: lake, catalog and schema.

    The code is read now: the pipeline's files and all Python files beside and below them, which they may import:
    those of hidden folders cannot be.
    """

    def __init__(self, home: Path, paths: Sequence[Path], place: Sequence[str]) -> None:
        name = "\n".join([*place, *(str(path.resolve()) for path in paths)])
        self._note = home / "known" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
        self._code = _code(paths)

    def first_flow(self) -> str | None:
        """The name of the flow that began when this very code was planned; None when it was not."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["first"]) if self._code is not None and note["code"] == self._code else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, first: str) -> None:
        """All of the code was planned, and that flow begins. What cannot be written down is not known at the next start."""
        try:
            write_atomically(self._note, json.dumps({"code": self._code, "first": first}))
        except OSError as fault:
            _log.warning("The next start takes longer, as %s cannot be written: %s", self._note, fault)


def _code(paths: Sequence[Path]) -> str | None:
    try:
        files = sorted(islice(_beside(files_of(paths)), _MOST_FILES + 1))
        code = hashlib.sha256(f"{__version__} {pyspark.__version__}".encode())
        for file in files:
            code.update(f"\n{file} ".encode() + hashlib.sha256(file.read_bytes()).digest())
    except (OSError, PitlakeError):
        return None
    return code.hexdigest() if len(files) <= _MOST_FILES else None


def _beside(files: Iterable[Path]) -> Iterator[Path]:
    folders = {file.resolve().parent for file in files}
    for folder in folders:
        if folders.isdisjoint(folder.parents):  # else it is below another one
            for below, inner, names in os.walk(folder):
                inner[:] = [name for name in inner if not name.startswith(".")]  # such as .venv: `import` reaches into none
                yield from (Path(below, name) for name in names if name.endswith(".py"))
