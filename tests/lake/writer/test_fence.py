"""The fence of append tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pitlake.lake.writer.fence import admit


def _admitted(fence, stream):
    return admit(fence, [lane for lane, _ in stream], [key for _, key in stream])


def test_a_key_above_the_fence_is_new_and_raises_it():
    admitted = _admitted({"a": (1,)}, [("a", (2,)), ("a", (3,))])
    assert (admitted.positions, admitted.fence) == ([0, 1], {"a": (3,)})


def test_a_key_at_or_below_the_fence_is_a_replay():
    assert _admitted({"a": (2,)}, [("a", (1,)), ("a", (2,)), ("a", (3,))]).positions == [2]


def test_keys_compare_part_by_part():
    assert _admitted({"a": ("00000-9", 3)}, [("a", ("00000-9", 10)), ("a", ("00001-0", 0))]).positions == [0, 1]


def test_lanes_have_fences_of_their_own():
    assert _admitted({"a": (9,)}, [("b", (1,)), ("a", (9,))]).positions == [0]


def test_the_fence_given_is_not_changed():
    fence = {"a": (1,)}
    _admitted(fence, [("a", (2,))])
    assert fence == {"a": (1,)}


@given(
    st.lists(st.sampled_from("abc"), max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8),
    st.integers(1, 15),
)
def test_replaying_any_stretch_any_number_of_times_yields_each_row_once(lanes, replays, batch):
    """Each stretch starts at or before the first row not yet sent, as after a driver's crash, and ends anywhere."""
    rows = [(lane, (number, number % 3)) for number, lane in enumerate(lanes)]
    stream, sent = [], 0
    for start, end in [*replays, (0, len(rows))]:
        stream += rows[min(start, sent) : end]
        sent = max(sent, min(end, len(rows)))
    fence, stored = {}, []
    for start in range(0, len(stream), batch):
        part = stream[start : start + batch]
        admitted = _admitted(fence, part)
        fence = admitted.fence
        stored += [part[position] for position in admitted.positions]
    assert sorted(stored) == sorted(rows)
