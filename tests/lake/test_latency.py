"""Histograms of latencies, held against sorted data."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.latency import LONGEST, SHORTEST, Histogram

seconds = st.floats(SHORTEST, LONGEST)


@given(st.lists(seconds, min_size=1), st.floats(0, 1))
def test_a_percentile_is_within_five_per_cent_of_the_sorted_data(latencies, share):
    exact = sorted(latencies)[max(1, math.ceil(share * len(latencies))) - 1]
    assert Histogram.of(latencies).percentile(share) == pytest.approx(exact, rel=0.05)


@given(st.lists(seconds), st.lists(seconds))
def test_merging_histograms_is_the_histogram_of_all(first, second):
    assert Histogram.of(first) + Histogram.of(second) == Histogram.of(first + second)


@given(st.lists(st.floats() | st.none()))
def test_every_number_counts_and_nothing_else(latencies):
    assert Histogram.of(latencies).count == sum(each is not None and math.isfinite(each) for each in latencies)


@pytest.mark.parametrize(("absurd", "counted"), [(-3.0, SHORTEST), (0.0, SHORTEST), (1e12, LONGEST)])
def test_negative_and_absurd_latencies_are_clamped(absurd, counted):
    assert Histogram.of([absurd]).percentile(0.5) == pytest.approx(counted, rel=0.05)


@given(st.lists(st.floats(0.01, 100), min_size=1), st.floats(0, 10))
def test_a_later_stage_shifts_every_latency(latencies, later):
    shifted = Histogram.of(latencies).shifted(later)
    assert shifted.percentile(0.5) == pytest.approx(Histogram.of([each + later for each in latencies]).percentile(0.5), rel=0.15)


def test_no_latency_has_no_percentile():
    assert Histogram().percentile(0.99) is None


@given(st.lists(seconds))
def test_a_histogram_survives_json(latencies):
    histogram = Histogram.of(latencies)
    assert Histogram.model_validate_json(histogram.model_dump_json()) == histogram
