"""What each task of the jobs starts: `task.py SOURCES MODULE ARGUMENT…` calls the module's `main` with the arguments.

A job puts only the folder of its file on Python's path, so the task names the folder of the deployed sources.
"""

from __future__ import annotations

import importlib
import sys


def main(sources: str, module: str, *arguments: str) -> None:
    """Call `main` of a module below `sources`."""
    sys.path.insert(0, sources)
    importlib.import_module(module).main(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
