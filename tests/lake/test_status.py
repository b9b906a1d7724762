"""How tables stand, by their own commits."""

from __future__ import annotations

import shutil
from contextlib import suppress

from deltalake.exceptions import DeltaError

from pitlake.lake.commits import Tally
from pitlake.lake.status import LakeStatus
from pitlake.streams.envelope import encode_failed
from tests.support.writing import append_spec, landing, open_writer, record


def test_rows_in_quarantine_count_in_their_tables_expectations(tmp_path):
    spec = append_spec(expectations=("known",))
    quarantine = spec.model_copy(update={"name": "c.s.silver_quarantine", "topic": "silver_quarantine"})
    open_writer(tmp_path, spec).write([record(0, landing(0))])
    open_writer(tmp_path, quarantine).write([record(0, landing(1), failed=encode_failed(["known"]))])
    assert {status.name.name: status.expectations for status in LakeStatus(str(tmp_path)).read()} == {
        "silver": {"known": Tally(passed=1, failed=1)},
        "silver_quarantine": {},
    }


def test_who_asks_again_is_told_what_one_who_asks_once_is_told(tmp_path):
    spec = append_spec()
    writer = open_writer(tmp_path, spec)
    watched = LakeStatus(str(tmp_path))
    for offset in range(3):
        writer.write([record(offset, landing(offset))])
        [status] = watched.read()
        assert (status.rows, [status]) == (offset + 1, LakeStatus(str(tmp_path)).read())


def test_a_table_that_was_made_anew_has_nothing_of_the_old_one(tmp_path):
    spec = append_spec()
    watched = LakeStatus(str(tmp_path))
    writer = open_writer(tmp_path, spec)
    for offset in range(3):
        writer.write([record(offset, landing(offset))])
    watched.read()
    shutil.rmtree(tmp_path)
    open_writer(tmp_path, spec)
    with suppress(DeltaError):  # it is opened anew by the next look
        watched.read()
    assert [(status.rows, status.last_commit, dict(status.stages)) for status in watched.read()] == [(0, None, {})]
