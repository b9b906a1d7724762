"""Change data capture, held against an oracle that sees all events at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pitlake.streams.envelope import DELETE
from tests.support.writing import cdc_spec, open_writer, record, status, stored

SPEC = cdc_spec()


def _event(offset, row, *, delete=False):
    return record(offset, row, **({"op": DELETE} if delete else {}))


def _put(offset, machine, second, number=0):
    return _event(offset, status(machine, second, number, value=str(offset)))


def _delete(offset, machine, second, number=0):
    return _event(offset, status(machine, second, number), delete=True)


def _write(lake, *batches):
    writer = open_writer(lake, SPEC)
    for batch in batches:
        note = writer.write(batch)
    return note


def _values(lake):
    return {row["machine"]: row["value"] for row in stored(lake, SPEC)}


def test_a_newer_event_replaces_an_older_one(tmp_path):
    _write(tmp_path, [_put(0, "a", 1)], [_put(1, "a", 2)])
    assert _values(tmp_path) == {"a": "1"}


def test_an_older_event_changes_nothing(tmp_path):
    _write(tmp_path, [_put(0, "a", 2)], [_put(1, "a", 1)])
    assert _values(tmp_path) == {"a": "0"}


def test_sequences_compare_part_by_part(tmp_path):
    _write(tmp_path, [_put(0, "a", 1, 9), _put(1, "b", 2, 5)], [_put(2, "a", 2, 0), _put(3, "b", 2, 4)])
    assert _values(tmp_path) == {"a": "2", "b": "1"}


def test_of_equal_sequences_the_later_event_stands(tmp_path):
    _write(tmp_path, [_put(0, "a", 1), _put(1, "a", 1)], [_put(2, "a", 1)])
    assert _values(tmp_path) == {"a": "2"}


def test_a_delete_removes_the_row(tmp_path):
    _write(tmp_path, [_put(0, "a", 1), _put(1, "b", 1)], [_delete(2, "a", 2)])
    assert _values(tmp_path) == {"b": "1"}


def test_an_older_delete_removes_nothing(tmp_path):
    _write(tmp_path, [_put(0, "a", 2)], [_delete(1, "a", 1)])
    assert _values(tmp_path) == {"a": "0"}


def test_an_older_event_does_not_revive_a_deleted_row(tmp_path):
    _write(tmp_path, [_put(0, "a", 1)], [_delete(1, "a", 3)], [_put(2, "a", 2)])
    assert _values(tmp_path) == {}


def test_not_even_after_a_restart(tmp_path):
    _write(tmp_path, [_put(0, "a", 1)], [_delete(1, "a", 3)])
    _write(tmp_path, [_put(2, "a", 2)])
    assert _values(tmp_path) == {}


def test_a_newer_event_revives_it(tmp_path):
    _write(tmp_path, [_delete(0, "a", 3)], [_put(1, "a", 4)])
    assert _values(tmp_path) == {"a": "1"}


def test_a_null_key_is_a_key_like_any_other(tmp_path):
    _write(tmp_path, [_put(0, None, 1), _put(1, "a", 1)], [_put(2, None, 2)])
    assert _values(tmp_path) == {None: "2", "a": "1"}


def test_a_null_key_is_deleted_like_any_other(tmp_path):
    _write(tmp_path, [_put(0, None, 1), _put(1, "a", 1)], [_delete(2, None, 3)], [_put(3, None, 2)])
    assert _values(tmp_path) == {"a": "1"}


def test_a_row_without_a_sequence_is_counted_and_not_applied(tmp_path):
    note = _write(tmp_path, [_put(0, "a", None), _put(1, "b", 1, None), _put(2, "c", 1)])
    assert _values(tmp_path) == {"c": "2"}
    assert (note.rows, note.unsequenced) == (1, 2)


def test_deletes_are_no_stored_rows_in_the_tally(tmp_path):
    spec = cdc_spec(expectations=("known",))
    note = open_writer(tmp_path, spec).write([_put(0, "a", 1), _delete(1, "b", 1)])
    assert note.expectations["known"].passed == 1


_events = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.booleans()), min_size=1, max_size=12)


def _oracle(topic):
    """Per machine the last of the events with the highest sequence, unless that is a delete."""
    standing = {}
    for position, (machine, second, delete) in enumerate(topic):
        if machine not in standing or second >= standing[machine][0]:
            standing[machine] = (second, delete, position)
    return {machine: str(position) for machine, (_, delete, position) in standing.items() if not delete}


@settings(max_examples=20, deadline=None)
@given(events=_events, replay=st.integers(0, 12), batch=st.integers(1, 6), restart=st.booleans())
def test_any_order_and_any_replay_end_as_the_oracle_says(events, replay, batch, restart, tmp_path_factory):
    lake = tmp_path_factory.mktemp("lake")
    topic = [*events, *events[min(replay, len(events)) :]]
    records = [(_delete if delete else _put)(offset, machine, second) for offset, (machine, second, delete) in enumerate(topic)]
    writer = open_writer(lake, SPEC)
    for first in range(0, len(records), batch):
        writer.write(records[first : first + batch])
        writer = open_writer(lake, SPEC) if restart else writer
    assert _values(lake) == _oracle(topic)
