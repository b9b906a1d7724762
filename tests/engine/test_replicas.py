"""When the second query of a replicated flow begins, by queries that only say how they stand and a clock that is set."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from pyspark.errors import PySparkException

from pitlake.engine.planning import FlowPlan
from pitlake.engine.replicas import AGAIN_SECONDS, APART, LATE_SECONDS, STAYS, Replicas
from pitlake.streams.connections import no_answer
from tests.support.writing import upsert_spec

INTERVAL = 60.0
PLACE = {"landing": {"0": 7}}


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
    late: float = 0.0
    refused: str | None = None
    begun: list[float] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.replicas = Replicas(
            self._start,
            lambda query: query.stop(),
            waited=self._wait,
            warn=lambda _, warning: self.warnings.append(warning),
            has_returned=self.returned.append,
            report=lambda _: None,
            clock=lambda: self.now,
        )
        self.replicas.add("minutes", FlowPlan("minutes~2", upsert_spec(), None, "1 minute"))
        self.replicas.expect("minutes")

    def _wait(self, offsets):
        if offsets != PLACE:
            raise no_answer("broker")
        return self.late

    def _start(self, _flow, _plan):
        self.begun.append(self.now)
        if self.refused:
            raise PySparkException(self.refused)
        self.queries.append(Query())
        return self.queries[-1]

    def look_at(self, now):
        self.now = now
        self.replicas.look()

    def at_boundary(self, query, now, place=None):
        self.now = now
        self.replicas.at_boundary(query, place or {})


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
    [warning] = told.warnings
    assert "as its second one ended: Caused by: java.io.IOException: no space; a second one follows in 600 s" in warning
    assert (told.begun, told.returned) == ([30.0, 61.0 + AGAIN_SECONDS], ["minutes"])


@pytest.mark.parametrize(("boundary", "begins"), [(605.0, 635.0), (635.0, 665.0), (575.0, 665.0)])
def test_one_that_is_started_again_begins_in_the_middle_of_a_batch_of_whenever_its_flow_has_one(told, boundary, begins):
    told.look_at(30.0)
    told.queries[0].ended_by = "no space"
    told.look_at(31.0)
    for now in range(575, 700, 5):
        if (now - boundary) % INTERVAL == 0:
            told.at_boundary("minutes", float(now))
        told.look_at(float(now))
    assert told.begun == [30.0, begins]


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


def test_one_of_a_late_flow_ends_as_it_takes_the_time_that_the_flow_needs(told):
    told.look_at(30.0)
    _end_batch(told, 60.0, late=LATE_SECONDS + 2.4)
    assert (told.queries[0].is_stopped, told.warnings) == (
        True,
        ["by one query alone, as it is 12 s late, and two would be later; a second one follows in 60 s at the soonest"],
    )


def test_one_of_a_late_flow_that_cannot_be_ended_is_told_once_a_batch(told):
    told.look_at(30.0)
    told.queries[0].stop = _fails
    _end_batch(told, 60.0, late=20.0)
    told.look_at(61.0)
    assert len(told.warnings) == 1
    assert "it hangs" in told.warnings[0]


def test_one_of_a_flow_that_is_not_late_enough_runs_on(told):
    told.look_at(30.0)
    _end_batch(told, 60.0, late=LATE_SECONDS)
    assert (told.queries[0].is_stopped, told.warnings) == (False, [])


def test_one_of_a_late_flow_comes_back_in_the_middle_of_a_batch_once_the_flow_is_not_late(told):
    told.look_at(30.0)
    for now in (60.0, 120.0, 180.0):
        _end_batch(told, now, late=20.0)
        told.look_at(now + 31.0)
    assert told.begun == [30.0]
    _end_batch(told, 240.0, late=0.0)
    for now in (269.0, 270.0):
        told.look_at(now)
    assert (told.begun, told.returned) == ([30.0, 270.0], [])
    told.at_boundary("minutes~2", 330.0)
    told.look_at(330.0)
    assert told.returned == ["minutes"]


def test_one_of_a_flow_that_was_on_time_when_its_batch_ended_runs_on_though_it_is_looked_at_later(told):
    told.look_at(30.0)
    told.at_boundary("minutes", 60.0, PLACE)
    told.late = 25.0
    told.look_at(80.0)
    assert told.warnings == []


def test_one_of_a_late_flow_stays_away_while_kafka_does_not_tell_whether_it_is_late(told):
    told.look_at(30.0)
    _end_batch(told, 60.0, late=20.0)
    told.at_boundary("minutes", 120.0)
    for now in (120.0, 150.0):
        told.look_at(now)
    assert told.begun == [30.0]


def test_one_that_comes_back_too_soon_stays_away_twice_as_long_the_next_time(told):
    now, pauses = 30.0, []
    for _ in range(7):
        told.look_at(now)
        began = told.begun[-1]
        _end_batch(told, began + 30.0, late=20.0)
        ended = now = began + 30.0
        while told.begun[-1] == began:
            now += 30.0
            if (now - ended) % INTERVAL == 0:
                _end_batch(told, now, late=0.0)
            told.look_at(now)
        pauses.append(now - 30.0 - ended)
    assert pauses == [60.0, 120.0, 240.0, 480.0, 600.0, 600.0, 600.0]


def test_one_that_has_stayed_for_long_stays_away_for_a_batch_again(told):
    told.look_at(30.0)
    _end_batch(told, 60.0, late=20.0)
    _end_batch(told, 120.0, late=0.0)
    told.look_at(150.0)
    _end_batch(told, 150.0 + STAYS * INTERVAL, late=20.0)
    assert "in 60 s" in told.warnings[-1]


def _end_batch(told, now, late):
    told.late = late
    told.at_boundary("minutes", now, PLACE)
    told.look_at(now)


def _fails():
    raise RuntimeError("it hangs")
