"""The fence of append tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.commits import Fence
from pitlake.lake.writer.fence import admit


def _fence(last, *stored):
    return Fence(last=last, stored=frozenset(stored))


def _admitted(fence, stream, origins=None):
    return admit(fence, [lane for lane, _ in stream], [key for _, key in stream], origins or [1] * len(stream))


def _stored(stream, batch):
    fence, stored = {}, []
    for start in range(0, len(stream), batch):
        part = stream[start : start + batch]
        admitted = _admitted(fence, part)
        fence = admitted.fence
        stored += [part[position] for position in admitted.positions]
    return stored


def test_a_higher_landing_record_is_new_and_raises_the_fence():
    admitted = _admitted({"a": _fence(1, (0,))}, [("a", (2, 0)), ("a", (3, 0))])
    assert (admitted.positions, admitted.fence) == ([0, 1], {"a": _fence(3, (0,))})


def test_a_lower_landing_record_is_a_replay():
    assert _admitted({"a": _fence(2, (0,))}, [("a", (1, 7))]).positions == []


def test_the_keys_of_one_landing_record_come_in_any_order():
    stream = [("a", ("m1", "temp")), ("a", ("m1", "rpm")), ("a", ("m2", "temp"))]
    admitted = _admitted({}, stream)
    assert (admitted.positions, admitted.fence) == ([0, 1, 2], {"a": _fence("m2", ("temp",))})


def test_of_the_last_landing_record_only_the_keys_not_stored_are_new():
    admitted = _admitted({"a": _fence(1, ("temp",), ("rpm",))}, [("a", (1, key)) for key in ("load", "temp", "rpm")])
    assert (admitted.positions, admitted.fence) == ([0], {"a": _fence(1, ("temp",), ("rpm",), ("load",))})


def test_a_key_of_the_landing_record_alone_is_stored_once():
    assert _admitted({"a": _fence(1, ())}, [("a", (1,)), ("a", (2,))]).positions == [1]


def test_lanes_have_fences_of_their_own():
    admitted = _admitted({"a": _fence(9, (0,))}, [("b", (1, 0)), ("a", (9, 0))])
    assert (admitted.positions, admitted.fence) == ([0], {"a": _fence(9, (0,)), "b": _fence(1, (0,))})


def test_the_fence_given_is_not_changed():
    fence = {"a": _fence(1, (0,))}
    _admitted(fence, [("a", (1, 1)), ("a", (2, 0))])
    assert fence == {"a": _fence(1, (0,))}


def test_a_key_made_twice_in_one_batch_by_one_origin_is_repeated():
    admitted = _admitted({}, [("a", (1, "temp")), ("a", (1, "temp"))])
    assert (admitted.positions, admitted.repeated) == ([0], 1)


def test_a_key_of_another_origin_or_batch_is_a_replay():
    assert _admitted({}, [("a", (1, "temp")), ("a", (1, "temp"))], origins=[1, 2]).repeated == 0
    assert _admitted({"a": _fence(1, ("temp",))}, [("a", (1, "temp"))]).repeated == 0


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4)), max_size=10),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6),
    st.integers(1, 15),
    st.randoms(use_true_random=False),
)
def test_any_replay_in_any_order_within_landing_records_and_any_split_yields_each_row_once(landed, replays, batch, chance):
    """Each replay starts at or before the first landing record not wholly sent, and ends anywhere, also within one."""
    records = [[(lane, (number, part)) for part in range(parts)] for number, (lane, parts) in enumerate(landed)]
    stream, sent = [], 0
    for start, end in [*replays, (0, len(records))]:
        for rows in records[min(start, sent) : end]:
            stream += chance.sample(rows, len(rows))
        sent = max(sent, min(end, len(records)))
        if sent < len(records):
            stream += chance.sample(records[sent], chance.randrange(len(records[sent]))) if end >= sent else []
    assert sorted(_stored(stream, batch)) == sorted(row for rows in records for row in rows)


_moves = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.booleans()), max_size=30)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4)), max_size=10), _moves, st.integers(1, 15), st.data())
def test_two_queries_that_send_the_same_rows_however_they_meet_yield_each_row_once(landed, moves, batch, data):
    """Each goes on for some rows at a time, now and then begins again where it has been, and ends after the last record."""
    chance = data.draw(st.randoms(use_true_random=False))
    records = [[(lane, (number, part)) for part in range(parts)] for number, (lane, parts) in enumerate(landed)]
    places, left, stream = {True: 0, False: 0}, {True: [], False: []}, []
    for query, count, again in [*moves, (True, 99, False), (False, 99, False)]:
        if again:
            places[query], left[query] = chance.randint(0, places[query] - bool(left[query])), []
        for _ in range(count):
            if not left[query] and places[query] < len(records):
                left[query] = chance.sample(records[places[query]], len(records[places[query]]))
                places[query] += 1
            stream += [left[query].pop()] if left[query] else []
    assert sorted(_stored(stream, batch)) == sorted(row for rows in records for row in rows)


def test_a_landing_record_that_a_query_left_out_is_taken_for_a_replay_when_it_comes_after_all():
    """Why no query may pass over a record that Kafka did not take: see `kafka.delivery.timeout.ms` in `engine/queries.py`."""
    assert _admitted({}, [("a", (2, 0)), ("a", (1, 0))]).positions == [0]
