"""The second queries of replicated flows: each begins in the middle of its flow's batch, and is kept away from its boundaries.

A replica is ahead while its flow is between two batches. Where the boundaries of both fall together, it would be of no use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.planning import MINIMUM_INTERVAL_MS, FlowPlan
from pitlake.engine.queries import cause_of, has_lost_its_place, refusal
from pitlake.engine.specs import milliseconds

APART = 0.1
"""Boundaries that are nearer to each other than this part of a batch have met."""

MOVES_APART = 10
"""In so many batches a replica moves once at most: where boundaries take long, it would else be at nothing but beginning."""

AGAIN_SECONDS = 600.0
"""How long a flow is without its replica after this has failed."""

_ALONE = "by one query alone, as its second one ended: {}; it {}"


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
        self._begun: dict[str, float] = {}
        self._alone: set[str] = set()
        self._boundaries: dict[str, float] = {}
        """When the last batch of a query ended, by the query's name."""

    def expect(self, flow: str) -> None:
        """The flow's own query begins now; its replica follows when this is in the middle of its batch."""
        if flow in self._plans:
            self._due[flow] = self._clock() + self._seconds(flow) / 2

    def give_up(self, flow: str) -> None:
        """The flow has ended, or does not run in real time: it needs no replica."""
        self._due.pop(flow, None)
        self._alone.discard(flow)
        if query := self._queries.pop(flow, None):
            self._stop(query)

    def at_boundary(self, query: str) -> None:
        """A query, of a flow or a replica, has ended a batch just now. May be called by any thread."""
        self._boundaries[query] = self._clock()

    def look(self) -> None:
        """Tell of those that have ended or returned, and start those that are due: for the first time, again, or elsewhere."""
        for flow in [flow for flow, query in self._queries.items() if not query.isActive]:
            self._go_on_alone(flow, self._queries.pop(flow).exception())
        for flow in self._queries:
            if flow in self._alone and self._plans[flow].name in self._boundaries:
                self._alone.remove(flow)
                self._has_returned(flow)
            if flow not in self._due and self._has_met(flow):
                self._due[flow] = self._middle(flow, self._clock())
        for flow in [flow for flow, due in self._due.items() if due <= self._clock()]:
            del self._due[flow]
            self._begin(flow)

    def release(self) -> list[StreamingQuery]:
        """The queries that run. They are no longer looked after from now on, and no other is started."""
        running = list(self._queries.values())
        self._queries.clear()
        self._due.clear()
        return running

    def _has_met(self, flow: str) -> bool:
        own, its = (self._boundaries.get(name) for name in (flow, self._plans[flow].name))
        has_moved_lately = self._clock() < self._begun[flow] + MOVES_APART * self._seconds(flow)
        return own is not None and its is not None and not has_moved_lately and abs(own - its) < self._seconds(flow) * APART

    def _middle(self, flow: str, earliest: float) -> float:
        """The first middle of a batch of the flow's, as far as they can be foretold, that is not before `earliest`."""
        seconds = self._seconds(flow)
        first = self._boundaries.get(flow, earliest) + seconds / 2
        return first + max(0, math.ceil((earliest - first) / seconds)) * seconds

    def _begin(self, flow: str) -> None:
        plan = self._plans[flow]
        before = self._queries.get(flow)
        self._boundaries.pop(plan.name, None)
        self._begun[flow] = self._clock()
        try:
            if before is not None:
                self._report(f"The second query of {flow} begins anew, away from the boundaries of the first")
                self._stop(before)
            else:
                self._report(f"A second query computes {flow}")
            self._queries[flow] = self._start(plan)
        except Exception as error:  # noqa: BLE001 - whatever it is, the flow itself runs and goes on
            if before is not None and not before.isActive:
                del self._queries[flow]
            self._go_on_alone(flow, error)

    def _go_on_alone(self, flow: str, error: Exception | None) -> None:
        """A flow needs no replica. One whose place is lost can only begin at its flow's, which no other query may read now."""
        again = refusal(error) is None and not has_lost_its_place(error)
        self._due.pop(flow, None)
        if again:
            self._alone.add(flow)
            self._due[flow] = self._middle(flow, self._clock() + AGAIN_SECONDS)
        when = f"is started again in {AGAIN_SECONDS / 60:g} minutes" if again else "comes back with the next start"
        self._warn(flow, _ALONE.format(cause_of(error) if error else "by itself", when))

    def _seconds(self, flow: str) -> float:
        return (milliseconds(self._plans[flow].interval) or MINIMUM_INTERVAL_MS) / 1000
