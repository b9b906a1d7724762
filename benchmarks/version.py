"""Which version is measured."""

from __future__ import annotations

import subprocess
from pathlib import Path

_REPOSITORY = Path(__file__).parents[1]
_MEASURED_CODE = (".", ":!benchmarks/results", ":!docs")
"""What counts for whether a version is a commit: results and pages change while one measures."""


def measured_commit() -> str:
    """The commit that is measured, `-dirty` when files differ from it or are not in it; empty without git's history."""
    commit = _git("rev-parse", "--short", "HEAD")
    return f"{commit}-dirty" if _git("status", "--porcelain", "--", *_MEASURED_CODE) else commit


def _git(*arguments: str) -> str:
    told = subprocess.run(["git", *arguments], cwd=_REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S607
    return told.stdout.strip()
