"""What has been defined so far, while pipeline files are being executed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import CdcFlow, Dataset, Expectation, Flow, Location, Pipeline, QueryFunction

_LANGUAGE = __name__.rpartition(".")[0]


class Registry:
    """Collects definitions in the order in which they are made; `pipeline()` is the whole of them."""

    def __init__(self) -> None:
        self._datasets: dict[str, Dataset] = {}
        self._functions: dict[str, QueryFunction] = {}
        self._flows: list[Flow | CdcFlow] = []
        self._expectations: dict[QueryFunction, list[Expectation]] = {}

    def add_dataset(self, dataset: Dataset, function: QueryFunction | None = None) -> None:
        """Define a dataset; `function` is what its decorators stand on. Raises DefinitionError for a name that is taken."""
        taken = self._datasets.get(dataset.name)
        if taken is not None:
            raise DefinitionError(
                f"{dataset.name} is defined twice, first at {taken.location.file}:{taken.location.line}",
                do="Give one of the two another name.",
                file=dataset.location.file,
                line=dataset.location.line,
            )
        self._datasets[dataset.name] = dataset
        if function is not None:
            self._functions[dataset.name] = function

    def add_flow(self, flow: Flow | CdcFlow) -> None:
        """Define a flow."""
        self._flows.append(flow)

    def expect(self, function: QueryFunction, expectations: list[Expectation]) -> None:
        """Attach expectations to the dataset that `function` defines, whichever of its decorators runs first.

        Decorators run from the last to the first, so what comes later here stands earlier in the file.
        """
        self._expectations[function] = [*expectations, *self._expectations.get(function, [])]

    def pipeline(self) -> Pipeline:
        """All definitions. Raises DefinitionError when an expectation stands on a function that defines no dataset."""
        datasets = {name: self._with_expectations(dataset) for name, dataset in self._datasets.items()}
        strays = set(self._expectations) - set(self._functions.values())
        for function in strays:
            location = function_location(function)
            raise DefinitionError(
                f"{function.__name__} has expectations and defines no dataset",
                do="Decorate it with @dp.table, @dp.materialized_view or @dp.temporary_view as well.",
                file=location.file,
                line=location.line,
            )
        return Pipeline(datasets, tuple(self._flows))

    def _with_expectations(self, dataset: Dataset) -> Dataset:
        function = self._functions.get(dataset.name)
        attached = self._expectations.get(function, []) if function is not None else []
        return replace(dataset, expectations=(*dataset.expectations, *attached))


_registry: ContextVar[Registry | None] = ContextVar("registry", default=None)


@contextmanager
def collecting(registry: Registry) -> Iterator[Registry]:
    """Let definitions made inside go to `registry`."""
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


def current_registry() -> Registry:
    """Where definitions go now. Raises DefinitionError outside a pipeline file that is being loaded."""
    registry = _registry.get()
    if registry is None:
        location = caller_location()
        raise DefinitionError(
            "a dataset is defined outside a running pipeline",
            do="Run the file with `pitlake run FILE`; it cannot be executed by itself.",
            file=location.file,
            line=location.line,
        )
    return registry


def function_location(function: QueryFunction) -> Location:
    """Where a function stands, its first decorator included."""
    code = function.__code__
    return Location(code.co_filename, code.co_firstlineno)


def caller_location() -> Location:
    """The nearest line outside this room: where a pipeline file calls into the language."""
    frame = sys._getframe(1)  # noqa: SLF001  (the only way to a caller's line without building a whole stack)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_LANGUAGE):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)
