"""When the second query of a replicated flow begins, by queries that only say how they stand and a clock that is set."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from pyspark.errors import PySparkException

from pitlake.engine.planning import FlowPlan
from pitlake.engine.replicas import AGAIN_SECONDS, APART, Replicas
from tests.support.writing import upsert_spec

INTERVAL = 60.0
GONE = "org.apache.kafka.clients.consumer.OffsetOutOfRangeException: Fetch position is out of range"


@dataclass
class Query:
    """A query that runs until it is stopped, or ended by an error of that text."""

    ended_by: str | None = None
    is_stopped: bool = False

    @property
    def isActive(self):  # noqa: N802
        return self.ended_by is None and not self.is_stopped

    def exception(self):
        return Exception(self.ended_by) if self.ended_by else None

    def stop(self):
        self.is_stopped = True


@dataclass
class Told:
    """The replica of the flow `minutes`, and what was told of it."""

    now: float = 0.0
    refused: str | None = None
    begun: list[float] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.replicas = Replicas(
            {"minutes": FlowPlan("minutes~2", upsert_spec(), None, "1 minute")},
            self._start,
            lambda query: query.stop(),
            warn=lambda _, warning: self.warnings.append(warning),
            has_returned=self.returned.append,
            report=lambda _: None,
            clock=lambda: self.now,
        )
        self.replicas.expect("minutes")

    def _start(self, _plan):
        self.begun.append(self.now)
        if self.refused:
            raise PySparkException(self.refused)
        self.queries.append(Query())
        return self.queries[-1]

    def look_at(self, now):
        self.now = now
        self.replicas.look()

    def at_boundary(self, query, now):
        self.now = now
        self.replicas.at_boundary(query)


@pytest.fixture(name="told")
def _told():
    return Told()


def test_a_replica_begins_in_the_middle_of_its_flow_s_batch(told):
    for now in (29.9, 30.0, 30.5):
        told.look_at(now)
    assert told.begun == [30.0]


def test_one_that_has_failed_is_started_again_after_a_while(told):
    told.look_at(30.0)
    told.queries[0].ended_by = "Caused by: java.io.IOException: no space"
    for now in (31.0, 30.5 + AGAIN_SECONDS, 31.0 + AGAIN_SECONDS + 30.0):
        told.look_at(now)
    assert told.returned == []
    told.at_boundary("minutes~2", 750.0)
    told.look_at(750.0)
    assert told.warnings == [
        "by one query alone, as its second one ended: Caused by: java.io.IOException: no space; it is started again in 10 minutes"
    ]
    assert (told.begun, told.returned) == ([30.0, 61.0 + AGAIN_SECONDS], ["minutes"])


def test_one_whose_place_is_lost_waits_for_the_next_start(told):
    told.look_at(30.0)
    told.queries[0].ended_by = GONE
    for now in (31.0, 10 * AGAIN_SECONDS):
        told.look_at(now)
    assert told.warnings[0].endswith("it comes back with the next start")
    assert told.begun == [30.0]


def test_one_that_spark_does_not_start_is_told_and_tried_again(told):
    told.refused = "[SOMETHING] is wrong"
    told.look_at(30.0)
    told.refused = None
    told.look_at(60.0 + AGAIN_SECONDS)
    assert (len(told.warnings), len(told.queries)) == (1, 1)


def test_one_whose_query_cannot_be_ended_ends_nothing_else(told):
    told.look_at(30.0)
    told.queries[0].stop = _fails
    told.at_boundary("minutes", 660.0)
    told.at_boundary("minutes~2", 661.0)
    for now in (661.0, 690.0):
        told.look_at(now)
    assert "it hangs" in told.warnings[0]


def test_one_moves_once_in_ten_batches_at_most(told):
    told.look_at(30.0)
    told.at_boundary("minutes", 300.0)
    told.at_boundary("minutes~2", 300.0)
    for now in (300.0, 330.0):
        told.look_at(now)
    assert told.begun == [30.0]


def test_one_that_lost_its_place_when_it_was_about_to_move_waits_for_the_next_start(told):
    told.look_at(30.0)
    told.at_boundary("minutes", 660.0)
    told.at_boundary("minutes~2", 661.0)
    told.look_at(661.0)
    told.queries[0].ended_by = GONE
    for now in (662.0, 690.0):
        told.look_at(now)
    assert told.begun == [30.0]


def test_one_of_a_flow_that_is_given_up_ends_and_does_not_begin_again(told):
    told.look_at(30.0)
    told.replicas.give_up("minutes")
    told.look_at(10 * AGAIN_SECONDS)
    assert (told.queries[0].is_stopped, told.begun) == (True, [30.0])


def test_one_is_left_where_it_is_while_boundaries_are_apart(told):
    told.look_at(30.0)
    told.at_boundary("minutes", 60.0)
    told.at_boundary("minutes~2", 90.0)
    told.look_at(150.0)
    assert told.begun == [30.0]


@pytest.mark.parametrize(("own", "its"), [(662.0, 660.0), (660.0, 662.0)])
def test_one_moves_to_the_middle_of_the_batch_whichever_of_the_two_met_the_other(told, own, its):
    told.look_at(30.0)
    for query, at in sorted([("minutes", own), ("minutes~2", its)], key=lambda boundary: boundary[1]):
        told.at_boundary(query, at)
        told.look_at(at)
    for now in (own + 29.0, own + 30.0):
        told.look_at(now)
    assert (told.begun, told.queries[0].is_stopped) == ([30.0, own + 30.0], True)


@pytest.mark.parametrize(("own_pause", "its_pause"), [(0.6, 0.9), (0.9, 0.6)])
def test_boundaries_that_drift_towards_each_other_do_not_stay_together(told, own_pause, its_pause):
    """Batches of a minute, and between two of them a pause: their boundaries come nearer by 0.3 s a batch, and meet after 80."""
    own, its, distances = INTERVAL, None, []
    for now in range(4 * 3600):
        told.look_at(float(now))
        if told.begun and told.begun[-1] == now:
            its = now + INTERVAL
        if its is not None and its <= now:
            told.at_boundary("minutes~2", its)
            its += INTERVAL + its_pause
        if own <= now:
            told.at_boundary("minutes", own)
            distances.append(abs(own - (its or 0.0) + INTERVAL / 2) % INTERVAL)
            own += INTERVAL + own_pause
    apart = [abs(distance - INTERVAL / 2) > INTERVAL * APART - 1.0 for distance in distances]
    assert len(told.begun) >= 3
    assert all(one or other for one, other in itertools.pairwise(apart))


def _fails():
    raise RuntimeError("it hangs")
