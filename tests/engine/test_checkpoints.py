"""Where flows stand, on a real broker."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from pyspark.errors import StreamingQueryException

from pitlake.engine.batches import committed_batches
from pitlake.engine.checkpoints import forget_place, share_place
from pitlake.engine.planning import FlowPlan, replica_of
from pitlake.engine.queries import has_lost_its_place
from pitlake.errors import FlowError
from tests.support.landing import counted
from tests.support.waiting import await_that
from tests.support.writing import upsert_spec

PLAN = FlowPlan("f", upsert_spec(), None, "1 minute")
REPLICA = replace(PLAN, name="f~2")


@pytest.mark.parametrize("mode", ["realtime", "micro-batch"])
def test_a_flow_that_lost_its_place_begins_at_the_oldest_records_once_it_is_forgotten(landing, mode):
    rows, told = landing.stream().select("offset"), []
    landing.send(30)
    with committed_batches(landing.spark, told.append):
        query = landing.start(rows, mode)
        await_that(lambda: told, "a batch is committed")
        query.stop()
    landing.send(30)
    landing.delete_before(50)
    with pytest.raises(StreamingQueryException) as ended:
        landing.start(rows, mode).awaitTermination(20)
    assert has_lost_its_place(ended.value)
    forget_place(landing.plan(rows), str(landing.folder))
    landing.start(rows, mode)
    await_that(lambda: [row["offset"] for row in landing.received()] == [*range(30), *range(50, 60)], "the rest is there")


def test_a_replica_counts_on_from_where_its_flow_stands_though_this_runs(landing):
    plan, told = landing.plan(counted(landing.stream())), []
    replica = replica_of(plan)
    share_place(plan, replica, str(landing.folder))
    landing.send(30)
    with committed_batches(landing.spark, told.append):
        landing.start_plan(plan, "realtime")
        await_that(lambda: told, "the flow's batch is committed")
    landing.delete_before(20)
    for _ in range(2):
        share_place(plan, replica, str(landing.folder))
    landing.send(30)
    landing.start_plan(replica, "realtime")
    await_that(lambda: [row["n"] for row in landing.received()].count(20) == 6, "both have counted all, of each of the three")
    assert landing.counts() == dict.fromkeys("012", 20)


def test_a_replica_counts_on_from_a_copy_that_was_made_while_its_flow_ended_a_batch(landing, monkeypatch):
    plan, told, copy = landing.plan(counted(landing.stream())), [], shutil.copy
    replica, checkpoints = replica_of(plan), landing.folder
    with committed_batches(landing.spark, told.append):
        landing.start_plan(plan, "realtime")
        landing.send(30)
        await_that(lambda: told, "the flow's first batch is committed")

        def copies_all_but_commits_after_the_next_batch(*paths):
            if "commits" not in str(paths[0]):
                await_that(lambda: len(told) > 1, "the flow's second batch is committed")
            return copy(*paths)

        monkeypatch.setattr(shutil, "copy", copies_all_but_commits_after_the_next_batch)
        share_place(plan, replica, str(checkpoints))
    places = [{path.name for path in (checkpoints / each.checkpoint / "commits").glob("[0-9]*")} for each in (plan, replica)]
    assert places[1] < places[0]
    landing.delete_before(20)
    landing.send(30)
    landing.start_plan(replica, "realtime")
    await_that(lambda: [row["n"] for row in landing.received()].count(20) == 6, "both have counted all, of each of the three")
    assert landing.counts() == dict.fromkeys("012", 20)


def test_a_batch_that_is_committed_during_a_copy_is_not_copied_without_its_offsets(tmp_path, monkeypatch):
    own, copy = tmp_path / PLAN.checkpoint, shutil.copy
    for folder in ("commits", "offsets", "state"):
        (own / folder).mkdir(parents=True)
        (own / folder / "0").touch()
        (own / folder / ".1.tmp").touch()

    def commits_meanwhile(*paths):
        for folder in ("state", "offsets", "commits"):
            (own / folder / "1").touch()
        return copy(*paths)

    monkeypatch.setattr(shutil, "copy", commits_meanwhile)
    share_place(PLAN, REPLICA, str(tmp_path))
    place = tmp_path / REPLICA.checkpoint
    copied = {folder: sorted(path.name for path in (place / folder).iterdir()) for folder in ("commits", "offsets", "state")}
    assert copied == {"commits": ["0"], "offsets": ["0", "1"], "state": ["0", "1"]}


def test_what_is_deleted_while_a_checkpoint_is_copied_is_left_out(tmp_path, monkeypatch):
    commits, copy = tmp_path / PLAN.checkpoint / "commits", shutil.copy
    commits.mkdir(parents=True)
    for batch in ("0", "1"):
        (commits / batch).touch()

    def deletes_meanwhile(own, place):
        (commits / "0").unlink(missing_ok=True)
        return copy(own, place)

    monkeypatch.setattr(shutil, "copy", deletes_meanwhile)
    share_place(PLAN, REPLICA, str(tmp_path))
    assert [path.name for path in (tmp_path / REPLICA.checkpoint / "commits").iterdir()] == ["1"]


def test_no_two_queries_have_one_id(tmp_path):
    (tmp_path / PLAN.checkpoint).mkdir(parents=True)
    for name in ("metadata", ".metadata.crc"):
        (tmp_path / PLAN.checkpoint / name).write_text('{"id":"1"}')
    share_place(PLAN, REPLICA, str(tmp_path))
    [metadata] = (tmp_path / REPLICA.checkpoint).iterdir()
    assert metadata.name == "metadata"
    assert json.loads(metadata.read_text())["id"] != "1"


def test_a_flow_that_has_no_place_yet_shares_none(tmp_path):
    (tmp_path / REPLICA.checkpoint / "offsets").mkdir(parents=True)
    share_place(PLAN, REPLICA, str(tmp_path))
    assert not (tmp_path / REPLICA.checkpoint).exists()


def test_a_place_that_cannot_be_shared_is_told(tmp_path):
    (tmp_path / PLAN.checkpoint).mkdir(parents=True)
    (tmp_path / PLAN.checkpoint / "metadata").mkdir()
    with pytest.raises(FlowError, match="cannot be copied"):
        share_place(PLAN, REPLICA, str(tmp_path))
    assert not (tmp_path / REPLICA.checkpoint).exists()


def test_a_place_whose_forgetting_was_cut_short_is_forgotten_all_the_same(tmp_path):
    for name in ("f", "f.forgotten"):
        ((tmp_path / PLAN.checkpoint).with_name(name) / "offsets").mkdir(parents=True)
    forget_place(PLAN, str(tmp_path))
    assert list((tmp_path / PLAN.checkpoint).parent.iterdir()) == []
