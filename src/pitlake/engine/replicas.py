"""The second queries of replicated flows: each begins in the middle of its flow's batch, and is kept away from its boundaries.

A replica is ahead while its flow is between two batches. Where the boundaries of both fall together it is of no use, nor
where the flow is late: it takes the processor time that the flow would need.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql.streaming import StreamingQuery

from pitlake.engine.batches import Offsets
from pitlake.engine.planning import MINIMUM_INTERVAL_MS, FlowPlan
from pitlake.engine.queries import cause_of, refusal
from pitlake.engine.specs import milliseconds
from pitlake.errors import PitlakeError

APART = 0.1
"""Boundaries that are nearer to each other than this part of a batch have met."""

STAYS = 10
"""So many batches a replica has lasted before it moves: where boundaries take long, it would else be at nothing but beginning.
One that makes way after fewer has come back too soon."""

MIDDLE = (0.5, 1 - APART)
"""The part of a flow's batch in which a replica begins."""

AGAIN_SECONDS = 600.0
"""How long a flow is without its replica after this has failed, and at most for being late."""

LATE_SECONDS = 10.0
"""A flow of which, at the end of a batch, a record has waited longer has no processor time to share with a second query."""


@dataclass
class _Replica:
    """A flow's second query, where it has one now, and what decides when it begins and ends. Times are the clock's seconds."""

    flow: str
    plan: FlowPlan
    query: StreamingQuery | None = None
    due: float | None = None
    """When it is to begin, or to begin anew, at the soonest."""
    begun: float = -math.inf
    own_boundary: float | None = None
    """When it ended a batch last, since it began."""
    flows_boundary: float | None = None
    """When the flow's own query did."""
    unjudged: tuple[float, Offsets] | None = None
    """The same, and where it stood then; None once it is known whether it was late."""
    flow_is_late_by: float = 0.0
    pause: float = 0.0
    """For how long it was away when the flow was late last."""
    is_missed: bool = False

    @property
    def flow_is_late(self) -> bool:
        return self.flow_is_late_by > LATE_SECONDS

    @property
    def batch_seconds(self) -> float:
        return (milliseconds(self.plan.interval) or MINIMUM_INTERVAL_MS) / 1000

    def has_lasted(self, now: float) -> bool:
        return now >= self.begun + STAYS * self.batch_seconds

    def has_met_its_flow(self, now: float) -> bool:
        if self.own_boundary is None or self.flows_boundary is None:
            return False
        return self.has_lasted(now) and abs(self.own_boundary - self.flows_boundary) < self.batch_seconds * APART

    def can_begin(self, now: float) -> bool:
        if self.due is None or now < self.due or self.flow_is_late:
            return False
        passed = MIDDLE[0] if self.flows_boundary is None else (now - self.flows_boundary) / self.batch_seconds
        return MIDDLE[0] <= passed < MIDDLE[1]


class Replicas:
    """Starts replicas, by `start` and so that each stands where its flow does, and ends their queries by `stop`.

    `start` gets a flow's name and the plan of its replica. `waited` tells for how many seconds a record after the given offsets
    has waited to be read, and raises PitlakeError when Kafka does not tell. `warn` gets a flow and why it has no replica now,
    `has_returned` the name of a flow whose replica runs again, `report` a line for people. `clock` gives seconds.
    """

    def __init__(
        self,
        start: Callable[[str, FlowPlan], StreamingQuery],
        stop: Callable[[StreamingQuery], None],
        *,
        waited: Callable[[Offsets], float],
        warn: Callable[[str, str], None],
        has_returned: Callable[[str], None],
        report: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._start, self._stop, self._waited = start, stop, waited
        self._warn, self._has_returned, self._report, self._clock = warn, has_returned, report, clock
        self._replicas: dict[str, _Replica] = {}

    def add(self, flow: str, plan: FlowPlan) -> None:
        """A flow has this replica, which begins once it is expected."""
        self._replicas[flow] = _Replica(flow, plan)

    def expect(self, flow: str) -> None:
        """The flow's own query begins now; its replica, if it has one, follows when this is in the middle of its batch."""
        if replica := self._replicas.get(flow):
            replica.due = self._clock() + replica.batch_seconds / 2

    def give_up(self, flow: str) -> None:
        """The flow has ended, or does not run in real time: it needs no replica."""
        if replica := self._replicas.pop(flow, None):
            self._end(replica)

    def at_boundary(self, query: str, offsets: Offsets) -> None:
        """A query, of a flow or a replica, has ended a batch at these offsets just now. May be called by any thread."""
        for replica in list(self._replicas.values()):
            if query == replica.flow:
                replica.flows_boundary = self._clock()
                replica.unjudged = replica.flows_boundary, offsets
            elif query == replica.plan.name:
                replica.own_boundary = self._clock()

    def look(self) -> None:
        """Tell of those that have ended or returned, end those of late flows, and start those that are due, maybe elsewhere."""
        for replica in self._replicas.values():
            if replica.query and not replica.query.isActive:
                error, replica.query = replica.query.exception(), None
                self._miss(replica, error)
            if replica.unjudged:
                self._judge(replica, *replica.unjudged)
            if replica.query:
                self._look_at_running(replica)
            if replica.can_begin(self._clock()):
                self._begin(replica)

    def release(self) -> list[StreamingQuery]:
        """The queries that run. They are no longer looked after from now on, and no other is started."""
        running = [replica.query for replica in self._replicas.values() if replica.query]
        self._replicas.clear()
        return running

    def _judge(self, replica: _Replica, ended: float, place: Offsets) -> None:
        replica.unjudged = None
        since = self._clock() - ended
        try:
            replica.flow_is_late_by = self._waited(place) - since
        except PitlakeError:
            return  # Kafka does not tell: what it told before stands
        if replica.query and replica.flow_is_late:
            self._make_way(replica)

    def _look_at_running(self, replica: _Replica) -> None:
        if replica.is_missed and replica.own_boundary is not None:
            replica.is_missed = False
            self._has_returned(replica.flow)
        if replica.due is None and replica.has_met_its_flow(self._clock()):
            replica.due = self._clock()

    def _begin(self, replica: _Replica) -> None:
        replica.due = None
        try:
            if replica.query:
                self._report(f"The second query of {replica.flow} begins anew, away from the boundaries of the first")
                replica.pause = 0.0
                self._end(replica)
            else:
                self._report(f"A second query computes {replica.flow}")
            replica.begun, replica.own_boundary = self._clock(), None
            replica.query = self._start(replica.flow, replica.plan)
        except Exception as error:  # noqa: BLE001 - whatever it is, the flow itself runs and goes on
            self._miss(replica, error)

    def _make_way(self, replica: _Replica) -> None:
        """End a replica whose flow is late: for a batch at first, and for twice as long each time that it came back too soon."""
        came_back_too_soon = replica.pause and not replica.has_lasted(self._clock())
        replica.pause = min(2 * replica.pause, AGAIN_SECONDS) if came_back_too_soon else replica.batch_seconds
        try:
            self._end(replica)
        except Exception as error:  # noqa: BLE001 - as above
            self._miss(replica, error)
        else:
            self._leave_alone(replica, f"it is {replica.flow_is_late_by:.0f} s late, and two would be later", replica.pause)

    def _miss(self, replica: _Replica, error: Exception | None) -> None:
        why = f"its second one ended: {cause_of(error) if error else 'by itself'}"
        if refusal(error) is None:
            self._leave_alone(replica, why, AGAIN_SECONDS)
        else:
            replica.due = None
            self._warn(replica.flow, f"by one query alone, as {why}; it comes back with the next start")

    def _leave_alone(self, replica: _Replica, why: str, seconds: float) -> None:
        replica.is_missed, replica.own_boundary, replica.due = True, None, self._clock() + seconds
        self._warn(replica.flow, f"by one query alone, as {why}; a second one follows in {seconds:.0f} s at the soonest")

    def _end(self, replica: _Replica) -> None:
        if replica.query:
            self._stop(replica.query)
            replica.query = None
