"""Files that a command leaves for its user."""

from __future__ import annotations

from pathlib import Path

from pitlake.errors import ConfigurationError


def write_text(file: Path, text: str) -> None:
    """Write a file, in place of the one there. Raises ConfigurationError when that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", do="Name a file in a folder that exists."
        ) from error
