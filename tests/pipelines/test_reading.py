"""The `spark` of a pipeline file: whose names it reads, and what it leaves to the real session."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pitlake.errors import DefinitionError
from pitlake.pipelines.reading import PipelineSpark, current_reader, reading


class NamingReader:
    """Resolves a name to how it was read."""

    def __init__(self, session=None) -> None:
        self.session = session

    def stream(self, name):
        return f"stream {name}"

    def batch(self, name):
        return f"batch {name}"


@pytest.fixture(name="given")
def _given():
    with reading(NamingReader()):
        yield PipelineSpark()


@pytest.fixture(name="real")
def _real(spark):
    with reading(NamingReader(spark)):
        yield PipelineSpark()


def test_a_stream_is_read_by_name(given):
    assert given.readStream.table("t") == "stream t"


def test_a_table_is_read_by_name(given):
    assert given.read.table("t") == given.table("t") == "batch t"


@pytest.mark.parametrize(("older", "newer"), [("read", "batch t"), ("read_stream", "stream t"), ("readStream", "stream t")])
def test_the_older_functions_read_the_same(loaded, older, newer):
    query = loaded(f"import dlt\n@dlt.table\ndef f():\n    return dlt.{older}('t')").flows[0].query
    with reading(NamingReader()):
        assert query() == newer


def test_options_of_a_name_are_passed_over(real):
    assert real.readStream.option("maxFilesPerTrigger", 1).options(a="b").format("delta").table("t") == "stream t"
    assert real.read.option("versionAsOf", 1).table("t") == "batch t"


def test_other_streams_are_the_real_sessions(real):
    assert real.readStream.format("rate").option("rowsPerSecond", 1).load().columns == ["timestamp", "value"]


def test_other_tables_are_the_real_sessions(real, tmp_path):
    assert real.read.schema("a INT").json(str(tmp_path)).columns == ["a"]


def test_everything_else_is_the_real_sessions(real, spark):
    assert real.range(2).columns == ["id"]
    assert real.sparkContext is spark.sparkContext
    assert real.conf.get("spark.sql.session.timeZone") == "UTC"


def test_an_attribute_of_a_reader_is_the_real_readers():
    session = SimpleNamespace(readStream=SimpleNamespace(kind="real"))
    with reading(NamingReader(session)):
        assert PipelineSpark().readStream.kind == "real"


@pytest.mark.parametrize(
    "statement",
    ["spark.readStream.table('t')", "spark.read.table('t')", "spark.table('t')", "spark.range(1)", "spark.conf.set('a', 'b')"],
)
def test_nothing_is_read_while_the_file_is_executed(refused, statement):
    error = refused(f"\n{statement}  # here\n")
    assert "while the pipeline is being defined" in error.what
    assert "inside the decorated functions" in error.do


def test_reading_ends_with_its_block():
    with reading(NamingReader()):
        pass
    with pytest.raises(DefinitionError):
        current_reader()


def test_the_outer_reader_is_back_after_an_inner_one():
    outer, inner = NamingReader(), NamingReader()
    with reading(outer):
        with reading(inner):
            assert current_reader() is inner
        assert current_reader() is outer
