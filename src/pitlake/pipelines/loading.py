"""Pipeline files executed into definitions, with `dlt` and `pyspark.pipelines` answered by pitlake for as long as that takes."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pyspark

from pitlake.errors import ConfigurationError, DefinitionError, PitlakeError
from pitlake.pipelines import api
from pitlake.pipelines.checks import check_pipeline
from pitlake.pipelines.definitions import Pipeline
from pitlake.pipelines.reading import PipelineSpark
from pitlake.pipelines.registry import Registry, collecting

_NAMES = ("dlt", "pyspark.pipelines")


def load(paths: Sequence[Path]) -> Pipeline:
    """Execute pipeline files, and all `.py` files of folders, in the order given; the result has been checked.

    Raises DefinitionError, with file and line, for what is wrong in them, and ConfigurationError when there is no such file.
    """
    registry = Registry()
    with collecting(registry), _answering_for(api):
        for file in _files(paths):
            _execute(file)
    pipeline = registry.pipeline()
    check_pipeline(pipeline)
    return pipeline


def _files(paths: Sequence[Path]) -> list[Path]:
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
        except Exception as error:
            where = _last_line_in(file, error)
            what = f"the file cannot be executed: {type(error).__name__}: {error}"
            raise DefinitionError(
                what, do="Correct the file; it is executed once to collect its definitions.", file=str(file), line=where
            ) from error


def _last_line_in(file: Path, error: Exception) -> int | None:
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return lines[-1] if lines else None


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextmanager
def _answering_for(module: ModuleType) -> Iterator[None]:
    replaced = {name: sys.modules.get(name) for name in _NAMES}
    attribute = getattr(pyspark, "pipelines", None)
    sys.modules.update(dict.fromkeys(_NAMES, module))
    pyspark.pipelines = module
    try:
        yield
    finally:
        for name, original in replaced.items():
            if original is None:
                del sys.modules[name]
            else:
                sys.modules[name] = original
        if attribute is None:
            del pyspark.pipelines
        else:
            pyspark.pipelines = attribute
