"""Graphs laid out in columns."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pitlake.cli.layers import laid_out

NAMES = "abcdefgh"
EDGES = st.sets(st.sampled_from([(one, other) for one in NAMES for other in NAMES if one < other]), max_size=14)


@given(EDGES)
@settings(max_examples=60, deadline=None)
def test_every_edge_leads_to_the_right(edges):
    nodes = laid_out(NAMES, edges).nodes
    assert [edge for edge in edges if nodes[edge[0]][0] >= nodes[edge[1]][0]] == []


@given(EDGES)
@settings(max_examples=60, deadline=None)
def test_nodes_of_a_column_do_not_touch_and_no_edge_passes_through_one(edges):
    layers = laid_out(NAMES, edges)
    bends = [point for points in layers.bends.values() for point in points]
    for column, row in layers.nodes.values():
        others = [other for at, other in layers.nodes.values() if at == column and other != row]
        assert all(abs(other - row) > 0.999 for other in others)
        assert all(abs(other - row) > 0.7 for at, other in bends if at == column)


@given(EDGES)
@settings(max_examples=30, deadline=None)
def test_an_edge_bends_in_each_column_that_it_passes(edges):
    layers = laid_out(NAMES, edges)
    for (start, end), points in layers.bends.items():
        assert [column for column, _ in points] == list(range(layers.nodes[start][0] + 1, layers.nodes[end][0]))


def test_what_crosses_needlessly_is_untangled():
    nodes = laid_out("abxy", [("a", "y"), ("b", "x")]).nodes
    assert (nodes["a"][1] < nodes["b"][1]) == (nodes["y"][1] < nodes["x"][1])


def test_what_reads_nothing_stands_beside_its_first_reader():
    nodes = laid_out("abcd", [("a", "b"), ("b", "c"), ("d", "c")]).nodes
    assert nodes["d"][0] == nodes["b"][0]


def test_rows_begin_at_the_top():
    layers = laid_out("abc", [("a", "c"), ("b", "c")])
    assert (min(row for _, row in layers.nodes.values()), layers.rows) == (0.0, 1.0)


def test_nothing_has_no_place():
    assert laid_out("", []).rows == 0.0
