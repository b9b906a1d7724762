"""The graph that an update has told to the event log."""

from __future__ import annotations

from pathlib import Path

import pytest

from pitlake.cli.lineage import told_graph
from pitlake.cli.outline import Graph, Kind
from pitlake.cli.settings import Settings
from pitlake.engine.events import flow_defined, sink_defined, sink_flow_defined, view_defined
from pitlake.lake.spec import WriteMode
from pitlake.pipelines.definitions import Location, Sink, SinkFormat
from tests.support.writing import append_spec, cdc_spec

FILE = Path("mine.py")


@pytest.fixture(name="settings")
def _settings(home):
    return Settings(home=home)


def _spec(settings, name, **changes):
    return append_spec(name=f"{settings.catalog}.{settings.schema_}.{name}", **changes)


def test_a_graph_is_what_the_flows_and_views_say_of_themselves(settings, tell):
    silver, minutes = _spec(settings, "silver"), _spec(settings, "minutes")
    baseline, status = _spec(settings, "baseline", mode=WriteMode.REFRESH), cdc_spec(name=_spec(settings, "status").name)
    sink = Sink("alarms", SinkFormat.KAFKA, {}, Location("mine.py", 1))
    tell(
        FILE,
        sink_defined(sink, 1),
        view_defined("changes", {minutes.name, baseline.name}),
        flow_defined("silver", silver, {"landing", "machines"}),
        flow_defined("late", silver, {"late_landing"}),
        flow_defined("minutes", minutes, {silver.name}),
        flow_defined("baseline", baseline, {minutes.name}),
        flow_defined("status", status, {"changes"}),
        sink_flow_defined("alarm", "UPDATE", "alarms", {silver.name}, [("value", "string")]),
    )
    assert told_graph(settings, FILE, {"landing", "late_landing"}) == Graph(
        kinds={
            "alarms": Kind.SINK,
            "baseline": Kind.TABLE,
            "changes": Kind.VIEW,
            "landing": Kind.LANDING,
            "late_landing": Kind.LANDING,
            "machines": Kind.DIMENSION,
            "minutes": Kind.TABLE,
            "silver": Kind.TABLE,
            "status": Kind.TABLE,
        },
        reads={
            "alarms": ("silver",),
            "baseline": ("minutes",),
            "changes": ("baseline", "minutes"),
            "minutes": ("silver",),
            "silver": ("landing", "late_landing", "machines"),
            "status": ("changes",),
        },
        static=("baseline", "machines", "minutes"),
        labels={"alarms": "kafka sink", "baseline": "refresh", "minutes": "append", "silver": "append", "status": "cdc"},
    )


def test_it_is_that_of_the_files_last_update(settings, tell):
    for epoch, (file, table) in enumerate([(FILE, "old"), (FILE, "new"), (Path("other.py"), "other")], start=1):
        tell(file, flow_defined(table, _spec(settings, table), {"landing"}), epoch=epoch)
    assert told_graph(settings, FILE, {"landing"}).reads == {"new": ("landing",)}


def test_there_is_none_where_no_update_has_run_or_come_to_its_plan(settings, tell):
    assert told_graph(settings, FILE, ()) is None
    tell(FILE)
    assert told_graph(settings, FILE, ()) is None
