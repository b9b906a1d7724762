"""A pipeline's graph as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pitlake.cli.graph import graph_as_svg
from pitlake.cli.outline import Kind, Outline, SinkOutline, TableOutline
from pitlake.lake.spec import WriteMode

SVG = "{http://www.w3.org/2000/svg}"
TABLE = TableOutline("gold<1>", WriteMode.UPSERT, ("k",), "n", (), (), None, ("landing", "machines"), {}, None)
OUTLINE = Outline(
    tables=(TABLE,),
    sinks=(SinkOutline("alarms", "kafka", {}, ("changes",), {}),),
    kinds={
        "alarms": Kind.SINK,
        "changes": Kind.VIEW,
        "gold<1>": Kind.TABLE,
        "landing": Kind.LANDING,
        "machines": Kind.DIMENSION,
    },
    reads={"gold<1>": ("landing", "machines"), "changes": ("landing",), "alarms": ("changes",)},
    static=("machines",),
)


@pytest.fixture(name="drawn")
def _drawn():
    return ET.fromstring(graph_as_svg(OUTLINE.graph))  # noqa: S314 (our own)


def _classes(drawn, name):
    return [element for element in drawn.iter() if name in element.get("class", "").split()]


def test_every_name_is_written_with_its_mode(drawn):
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert set(texts) >= {"alarms", "kafka sink", "changes", "gold<1>", "upsert", "landing", "machines"}


@pytest.mark.parametrize("kind", ["topic", "dimension", "view", "table", "sink"])
def test_each_kind_has_a_shape_and_stands_in_the_key(drawn, kind):
    assert len(_classes(drawn, kind)) == 2


def test_what_is_read_as_it_stands_is_dashed(drawn):
    assert (len(_classes(drawn, "edge")), len(_classes(drawn, "static"))) == (4 + 2, 1 + 1)


def test_it_needs_nothing_but_itself():
    text = graph_as_svg(OUTLINE.graph).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert [word for word in ("http", "@import", "href", "<script") if word in text] == []


def test_it_is_drawn_for_dark_ground_too():
    assert "@media (prefers-color-scheme: dark)" in graph_as_svg(OUTLINE.graph)


def test_everything_lies_in_the_picture(drawn):
    width, height = (float(drawn.get(side)) for side in ("width", "height"))
    for text in drawn.iter(f"{SVG}text"):
        assert 0 < float(text.get("x")) < width
        assert 0 < float(text.get("y")) < height
