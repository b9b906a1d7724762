"""The second queries of replicated flows: each begins in the middle of its flow's batch, and is kept away from its boundaries.

A replica is ahead while its flow is between two batches. Where the boundaries of both fall together, it would be of no use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyspark.errors import PySparkException
from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.planning import MINIMUM_INTERVAL_MS, FlowPlan
from pitlake.engine.queries import cause_of, has_lost_its_place, refusal
from pitlake.engine.specs import milliseconds

APART = 0.1
"""Boundaries that are nearer to each other than this part of a batch have met."""

AGAIN_SECONDS = 600.0
"""How long a flow is without its replica after this has failed."""

BEGINS, ALONE = "A second query computes {}", "by one query alone, as its second one ended: {}"


class Replicas:
    """Starts the plans, given by their flows' names, by `start`, and ends their queries by `stop`.

    `warn` gets a flow and why it has no replica now, `has_returned` the name of a flow whose replica runs again, `report` a line
    for people. `clock` gives seconds.
    """

    def __init__(
        self,
        plans: Mapping[str, FlowPlan],
        start: Callable[[FlowPlan], StreamingQuery],
        stop: Callable[[StreamingQuery], None],
        *,
        warn: Callable[[str, str], None],
        has_returned: Callable[[str], None],
        report: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._plans, self._start, self._stop = plans, start, stop
        self._warn, self._has_returned, self._report, self._clock = warn, has_returned, report, clock
        self._queries: dict[str, StreamingQuery] = {}
        self._due: dict[str, float] = {}
        self._alone: set[str] = set()
        self._boundaries: dict[str, float] = {}
        """When the last batch of a query ended, by the query's name."""

    def expect(self, flow: str) -> None:
        """The flow's own query begins now; its replica follows when this is in the middle of its batch."""
        if flow in self._plans:
            self._due[flow] = self._clock() + self._seconds(flow) / 2

    def give_up(self, flow: str) -> None:
        """The flow does not run in real time: it needs no replica."""
        self._due.pop(flow, None)
        if query := self._queries.pop(flow, None):
            self._stop(query)

    def at_boundary(self, query: str) -> None:
        """A query, of a flow or a replica, has ended a batch just now. May be called by any thread."""
        self._boundaries[query] = self._clock()

    def look(self) -> None:
        """Tell of those that have ended, and start those that are due: for the first time, again, or away from a boundary."""
        for flow in [flow for flow, query in self._queries.items() if not query.isActive]:
            self._go_on_alone(flow, self._queries.pop(flow).exception())
        for flow in self._queries.keys() - self._due.keys():
            own, its = (self._boundaries.get(name) for name in (flow, self._plans[flow].name))
            if own is not None and its is not None and abs(own - its) < self._seconds(flow) * APART:
                self._due[flow] = own + self._seconds(flow) / 2
        for flow in [flow for flow, due in self._due.items() if due <= self._clock()]:
            del self._due[flow]
            self._begin(flow)

    def running(self) -> list[StreamingQuery]:
        """The queries that run, which are no longer looked after from now on."""
        running = list(self._queries.values())
        self._queries.clear()
        self._due.clear()
        return running

    def _begin(self, flow: str) -> None:
        plan = self._plans[flow]
        if query := self._queries.pop(flow, None):
            self._stop(query)
        self._boundaries.pop(plan.name, None)
        self._report(BEGINS.format(flow))
        try:
            self._queries[flow] = self._start(plan)
        except PySparkException as error:
            self._go_on_alone(flow, error)
            return
        if flow in self._alone:
            self._alone.remove(flow)
            self._has_returned(flow)

    def _go_on_alone(self, flow: str, error: Exception | None) -> None:
        """A flow needs no replica. One whose place is lost can only begin at its flow's, which no other query may read now."""
        again = refusal(error) is None and not has_lost_its_place(error)
        if again:
            self._alone.add(flow)
            self._due[flow] = self._clock() + AGAIN_SECONDS
        when = f"is started again in {AGAIN_SECONDS / 60:g} minutes" if again else "comes back with the next start"
        self._warn(flow, f"{ALONE.format(cause_of(error) if error else 'by itself')}; it {when}")

    def _seconds(self, flow: str) -> float:
        return (milliseconds(self._plans[flow].interval) or MINIMUM_INTERVAL_MS) / 1000
