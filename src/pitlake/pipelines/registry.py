"""What has been defined so far, while pipeline files are being executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from pitlake.pipelines.definitions import CdcFlow, Dataset, Expectation, Flow, Location, Pipeline, QueryFunction, Sink
from pitlake.pipelines.locations import caller_location, error_at, function_location


class Registry:
    """Collects definitions in the order in which they are made; `pipeline()` is the whole of them."""

    def __init__(self) -> None:
        self._datasets: dict[str, Dataset] = {}
        self._sinks: dict[str, Sink] = {}
        self._functions: dict[str, QueryFunction] = {}
        self._flows: list[Flow | CdcFlow] = []
        self._expectations: dict[QueryFunction, list[Expectation]] = {}

    def add_dataset(self, dataset: Dataset, function: QueryFunction | None = None) -> None:
        """Define a dataset; `function` is what its decorators stand on. Raises DefinitionError for a name that is taken."""
        self._check_free(dataset.name, dataset.location)
        self._datasets[dataset.name] = dataset
        if function is not None:
            self._functions[dataset.name] = function

    def add_sink(self, sink: Sink) -> None:
        """Define a sink. Raises DefinitionError for a name that is taken."""
        self._check_free(sink.name, sink.location)
        self._sinks[sink.name] = sink

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
        stray = next((function for function in self._expectations if function not in self._functions.values()), None)
        if stray is not None:
            raise error_at(
                function_location(stray),
                f"{stray.__name__} has expectations and defines no dataset",
                "Decorate it with @dp.table or @dp.temporary_view as well; those of a flow belong to its target, and where that "
                "is a sink, to the table or view that the flow reads.",
            )
        return Pipeline(datasets, tuple(self._flows), dict(self._sinks))

    def _check_free(self, name: str, location: Location) -> None:
        taken = self._datasets.get(name) or self._sinks.get(name)
        if taken is not None:
            raise error_at(
                location,
                f"{name} is defined twice, first at {taken.location.file}:{taken.location.line}",
                "Give one of the two another name.",
            )

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
        raise error_at(
            caller_location(),
            "a dataset is defined outside a running pipeline",
            "Run the file with `pitlake run FILE`; it cannot be executed by itself.",
        )
    return registry
