"""Landing tables stand in a topic, for whoever asks the broker."""

from __future__ import annotations

import uuid

import pytest

from pitlake.errors import ConfigurationError
from pitlake.ingest.tables import LandingTable, declare_landing_table, landing_tables
from pitlake.streams.topics import list_topics


def test_a_declared_table_is_found_and_has_its_topic(broker):
    name = f"t{uuid.uuid4().hex}"
    declare_landing_table(broker.bootstrap, f"c.s.{name}")
    assert landing_tables(broker.bootstrap)[f"c.s.{name}"] == LandingTable(name=f"c.s.{name}", topic=name)
    assert list_topics(broker.bootstrap)[name] == 2


def test_declared_twice_it_stays_what_it_is(broker, table):
    assert declare_landing_table(broker.bootstrap, table.name) == table


def test_two_tables_cannot_share_a_topic(broker, table):
    with pytest.raises(ConfigurationError, match="belongs to the landing table"):
        declare_landing_table(broker.bootstrap, f"another.schema.{table.topic}")


def test_a_renamed_table_takes_its_topic_along(broker, table):
    renamed = declare_landing_table(broker.bootstrap, f"another.schema.{table.topic}", renamed=True)
    present = landing_tables(broker.bootstrap)
    assert (present[renamed.name].topic, table.name in present) == (table.topic, False)


@pytest.mark.parametrize("name", ["t", "s.t", "c.s.t.u", "c..t", "c.s.t t", ""])
def test_a_table_has_a_full_name(name):
    with pytest.raises(ConfigurationError, match="no landing table's name"):
        LandingTable.named(name)
