"""Pipeline files executed into definitions, with `dlt` and `pyspark.pipelines` answered by pitlake for as long as that takes."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pyspark

from pitlake.errors import ConfigurationError, PitlakeError
from pitlake.pipelines import api
from pitlake.pipelines.checks import check_pipeline
from pitlake.pipelines.definitions import Location, Pipeline
from pitlake.pipelines.locations import error_at, raised_location
from pitlake.pipelines.reading import PipelineSpark
from pitlake.pipelines.registry import Registry, collecting

_NAMES = ("dlt", "pyspark.pipelines")


def load(paths: Sequence[Path]) -> Pipeline:
    """Execute pipeline files, and all `.py` files of folders, in the order given; the result has been checked.

    Raises DefinitionError, with file and line, for what is wrong in them, and ConfigurationError when there is no such file.
    """
    registry = Registry()
    files = files_of(paths)
    with collecting(registry), _answering_for(api), _forgetting({file.resolve().parent for file in files}):
        for file in files:
            _execute(file)
    pipeline = registry.pipeline()
    if not pipeline.datasets and not pipeline.sinks:
        raise error_at(Location(str(files[0]), 1), "the pipeline defines no dataset", "Decorate a function with @dp.table.")
    check_pipeline(pipeline)
    return pipeline


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The pipeline files that the paths name, each a file or a folder of them. Raises ConfigurationError for what is neither."""
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    for file in files:
        if not file.is_file():
            raise ConfigurationError(
                f"there is no pipeline file {file}", do="Give the path of a .py file or of a folder of them."
            )
    if not files:
        raise ConfigurationError("no pipeline file was given", do="Give the path of a .py file or of a folder of them.")
    return files


def _execute(file: Path) -> None:
    with _importable(file.resolve().parent):
        try:
            runpy.run_path(str(file), init_globals={"spark": PipelineSpark()})
        except PitlakeError:
            raise
        except (Exception, SystemExit) as error:
            raise error_at(
                raised_location(error, Location(str(file), 1)),
                f"the file cannot be executed: {type(error).__name__}: {error}",
                "Correct the file; it is executed once to collect its definitions.",
            ) from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _forgetting(folders: Collection[Path]) -> Iterator[None]:
    """Forget afterwards what was imported from beside the files.

    The next load executes it anew, and functions of it that run in Spark's workers, which cannot import it, are sent by value.
    """
    before = set(sys.modules)
    try:
        yield
    finally:
        imported = {name: sys.modules[name.partition(".")[0]] for name in set(sys.modules) - before}
        for name, package in imported.items():
            if _folder(package) in folders:
                del sys.modules[name]


def _folder(module: ModuleType) -> Path | None:
    """The folder that an import of a module or package searched to find it."""
    if module.__spec__ is None:
        return None
    packages = module.__spec__.submodule_search_locations
    place = next(iter(packages or ()), None) or module.__spec__.origin
    return Path(place).resolve().parent if place else None


@contextmanager
def _answering_for(module: ModuleType) -> Iterator[None]:
    package: Any = pyspark
    replaced = {name: sys.modules.get(name) for name in _NAMES}
    attribute = getattr(package, "pipelines", None)
    sys.modules.update(dict.fromkeys(_NAMES, module))
    package.pipelines = module
    try:
        yield
    finally:
        for name, original in replaced.items():
            if original is None:
                del sys.modules[name]
            else:
                sys.modules[name] = original
        if attribute is None:
            del package.pipelines
        else:
            package.pipelines = attribute
