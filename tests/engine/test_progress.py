"""What tables gained, held against the writer's commits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitlake.engine.progress import Progress, growth, progress_of, stored_progress
from pitlake.lake.commits import Tally, Totals
from pitlake.streams.envelope import encode_failed
from tests.support.writing import append_spec, landing, open_writer, record

counts = st.integers(0, 1000)


@given(st.lists(st.tuples(counts, counts, counts), min_size=1))
def test_gains_add_up_to_the_totals(gains):
    totals, told = Progress(), Progress()
    summed = [0, 0, 0]
    for rows, dropped, failed in gains:
        tally = totals.expectations.get("a", Tally()) + Tally(passed=rows, failed=failed)
        totals = Progress(rows=totals.rows + rows, dropped=totals.dropped + dropped, expectations={"a": tally})
        gained = growth(told, totals)
        summed = [summed[0] + gained.rows, summed[1] + gained.dropped, summed[2] + gained.expectations["a"].failed]
        told = totals
    assert summed == [totals.rows, totals.dropped, totals.expectations["a"].failed]


def test_a_table_made_anew_has_gained_all_that_it_has():
    anew = Progress(rows=3, expectations={"a": Tally(passed=3)})
    assert growth(Progress(rows=10, expectations={"a": Tally(passed=10)}), anew) == anew


def test_dropped_rows_were_judged_by_every_expectation():
    table = Totals(rows=5, expectations={"drops": Tally(passed=5), "warns": Tally(passed=4, failed=1)})
    quarantine = Totals(rows=2, expectations={"drops": Tally(failed=2), "warns": Tally(passed=2)})
    assert progress_of(table, quarantine) == Progress(
        rows=5, dropped=2, expectations={"drops": Tally(passed=5, failed=2), "warns": Tally(passed=6, failed=1)}
    )


def test_a_table_that_does_not_exist_has_no_progress(tmp_path):
    assert stored_progress(str(tmp_path), append_spec(name="c.s.t")) == Progress()


def test_progress_is_what_the_newest_commit_notes(tmp_path):
    spec = append_spec(expectations=("known",))
    writer = open_writer(tmp_path, spec)
    for offset in range(2):
        writer.write([record(offset, landing(offset), failed=encode_failed(["known"] * offset))])
    told = stored_progress(str(tmp_path), spec)
    assert told == Progress(rows=2, expectations={"known": Tally(passed=1, failed=1)})
