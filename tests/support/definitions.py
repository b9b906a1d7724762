"""Pipeline files written down by a test, and the errors in them by their place."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pitlake.errors import DefinitionError

HEADER = "from pyspark import pipelines as dp\nfrom pyspark.sql import functions as F\n"
HERE = "# here"


def write_file(folder: Path, text: str, *, name: str = "pipeline.py", header: str = HEADER) -> Path:
    """A pipeline file of `text`, below the imports that they all have."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(header + textwrap.dedent(text))
    return file


def refusal(file: Path, act: Callable[[], object]) -> DefinitionError:
    """The error that `act` raises; it names the file, and the line that the file marks with `# here`, and advises."""
    with pytest.raises(DefinitionError) as caught:
        act()
    lines = [number for number, line in enumerate(file.read_text().splitlines(), start=1) if line.endswith(HERE)]
    error = caught.value
    assert (error.file, [error.line]) == (str(file), lines), error
    assert error.what.startswith(f"{file}:{error.line}: ")
    assert error.do
    return error
