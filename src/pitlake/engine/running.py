"""The flows of an update while they run: started one after the other, watched until the update is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.event_log import EventLog, ProgressLog
from pitlake.engine.events import flow_failed, flow_state
from pitlake.engine.planning import FlowPlan
from pitlake.engine.queries import failure
from pitlake.errors import ExpectationViolationError, FlowError

# Batch boundaries of flows that start together fall together, and each waits for the others' planning and commits.
STAGGER_SECONDS = 3.0
WATCH_SECONDS = 0.5


class Flows:
    """Starts flows by `start`, and tells the event log, and people by `report`, what becomes of them."""

    def __init__(
        self,
        plans: Sequence[FlowPlan],
        start: Callable[[FlowPlan], StreamingQuery],
        *,
        log: EventLog,
        progress: ProgressLog,
        report: Callable[[str], None],
    ) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._start, self._log, self._progress, self._report = start, log, progress, report
        self._queries: dict[str, StreamingQuery] = {}

    def start(self, stop: threading.Event) -> None:
        """Start all of them, or as many as there is time for until `stop` is set."""
        for plan in self._plans.values():
            if self._queries and stop.wait(STAGGER_SECONDS):
                break
            self._report(f"Starting flow {plan.name}")
            self._log.add(flow_state(plan.name, plan.spec.name, "STARTING"))
            self._queries[plan.name] = self._start(plan)
            self._log.add(flow_state(plan.name, plan.spec.name, "RUNNING"))

    def watch(self, stop: threading.Event) -> None:
        """Return when `stop` is set.

        Raises FlowError when a flow stops that should not. A flow that stops at a row which it must not accept does not end the
        others: its error is raised when `stop` is set, or when no other flow is left.
        """
        violated = None
        while not stop.wait(WATCH_SECONDS):
            for name in [name for name, query in self._queries.items() if not query.isActive]:
                error = self._failed(name)
                if not isinstance(error, ExpectationViolationError) or not self._queries:
                    raise error
                violated = error
        if violated is not None:
            raise violated

    def stop(self) -> None:
        """Stop all of them, each at what it has published."""
        for name, query in self._queries.items():
            query.stop()
            self._progress.stopped(name, self._plans[name].spec)
        self._queries.clear()

    def _failed(self, name: str) -> FlowError:
        error = failure(name, self._queries.pop(name))
        error = error or FlowError(f"flow {name} ended by itself", do="Start the pipeline again.")
        self._log.add(flow_failed(name, self._plans[name].spec.name, error))
        self._report(error.what)
        return error
