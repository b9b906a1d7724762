"""Files that a command leaves for its user."""

from __future__ import annotations

from pathlib import Path

from pitlake.errors import ConfigurationError


def check_writable(file: Path | None) -> None:
    """Raise ConfigurationError for a file that cannot be written later on, as far as can be seen now."""
    if file is not None and (file.is_dir() or not file.resolve().parent.is_dir()):
        raise ConfigurationError(f"{file} cannot be written.", do="Name a file in a folder that exists.")


def write_text(file: Path, text: str) -> None:
    """Write a file, in place of the one there. Raises ConfigurationError when that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}", do="Name a file in a folder that exists."
        ) from error
