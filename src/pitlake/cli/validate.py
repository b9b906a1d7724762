"""`pitlake validate`: a dry run that loads and plans pipeline files, and starts and writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession
from rich.console import Console

from pitlake.cli.outline import Outline, outline
from pitlake.cli.parts import bootstrap_of
from pitlake.cli.settings import Settings
from pitlake.engine.planning import plan_update
from pitlake.engine.session import start_session
from pitlake.engine.sources import GraphReader
from pitlake.engine.update import landing_topics
from pitlake.errors import BrokerError, ConfigurationError
from pitlake.lake.catalog import list_tables
from pitlake.local.jars import fetch_jars
from pitlake.pipelines.loading import load
from pitlake.streams.topics import list_topics

PLANNING_MASTER = "local[1]"
# Planning names a broker and never reaches for it.
NO_BROKER = "localhost:9092"


def validate(settings: Settings, files: Sequence[Path], landing: Collection[str]) -> Outline:
    """What the files define, planned. `landing` names the topics that may be read; when empty, they are those of the broker.

    Raises DefinitionError for what cannot run, ConfigurationError when no landing topic is named and no broker runs.
    """
    topics = landing or _topics(settings)
    with _planning_session() as session:
        pipeline = load(files)
        reader = GraphReader(
            pipeline,
            session,
            bootstrap=NO_BROKER,
            lake=settings.lake_url,
            catalog=settings.catalog,
            schema=settings.schema_,
            landing=topics,
            tables=list_tables(settings.lake_url),
        )
        plan = plan_update(pipeline, reader, catalog=settings.catalog, schema=settings.schema_, epoch=0)
        return outline(pipeline, plan, topics)


def _topics(settings: Settings) -> Collection[str]:
    try:
        bootstrap = bootstrap_of(settings)
    except BrokerError as error:
        raise ConfigurationError(
            "Which landing topics there are is not known: no broker runs on this home.",
            do="Name them with --landing, start `pitlake demo` (or `up`), or set PITLAKE_KAFKA.",
        ) from error
    return landing_topics(list_topics(bootstrap))


@contextmanager
def _planning_session() -> Iterator[SparkSession]:
    """A small session that leaves nothing behind."""
    console = Console(stderr=True)
    jars = fetch_jars(console.print).spark
    with TemporaryDirectory(prefix="pitlake-") as scratch, console.status("Planning the pipeline"):
        session = start_session(Path(scratch), jars, master=PLANNING_MASTER)
        try:
            yield session
        finally:
            session.stop()
