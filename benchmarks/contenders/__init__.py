"""Who is compared: for each contender the processes that it consists of, and where its results appear."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.contenders.environments import flink_jar, python_of
from pitlake.cli.parts import LANDING
from pitlake.cli.settings import Settings
from pitlake.cli.system import MINING_PIPELINE
from pitlake.lake.names import TableName

HERE = Path(__file__).parent
TABLE = "equipment_performance_1min"
MINE = "pitlake-mining"
"""The contender that makes all tables of the mine."""

_NAMES = Settings()
_PITLAKE = ("-m", "pitlake")
_FASTEST = ("-m", "benchmarks.contenders.pitlake.fastest")
_ONE_FLOW = HERE / "pitlake" / "one_flow.py"


@dataclass(frozen=True)
class Site:
    """Where a run takes place: a folder of its own, a broker, a lake with the dimension tables, and these as a file."""

    home: Path
    bootstrap: str
    lake: Path
    equipment: Path

    def table(self, name: str) -> str:
        """The folder of a Delta table."""
        return TableName(_NAMES.catalog, _NAMES.schema_, name).path(str(self.lake))


@dataclass(frozen=True)
class Process:
    """A process of a contender: its name, command, and what is added to the environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """`topic` is where changed rows of the result appear.

    `makes_topic` is whether the contender creates it. `needs_spec` is whether its Delta table is written by pitlake's writer
    although its topic is not pitlake's, so that the writer must be told of the table.
    """

    title: str
    topic: str
    processes: Callable[[Site], list[Process]]
    makes_topic: bool = True
    needs_spec: bool = False


def _pitlake(site: Site, *, pipeline: Path, mode: str, program: tuple[str, ...] = _PITLAKE) -> list[Process]:
    run = (sys.executable, *program, "run", str(pipeline), "--home", str(site.home), "--mode", mode)
    return [_writer(site), Process("pipeline", run, _settings(site))]


def _flink(site: Site) -> list[Process]:
    script = (str(python_of("flink")), str(HERE / "flink" / "job.py"))
    options = {"equipment": site.equipment, "jar": flink_jar(), "state": site.home / "checkpoints"}
    return [_writer(site), Process("flink", (*script, *_options(site, **options)))]


def _pathway(site: Site) -> list[Process]:
    script = (str(python_of("pathway")), str(HERE / "pathway" / "job.py"))
    options = _options(site, equipment=site.equipment, state=site.home / "checkpoints")
    return [_writer(site), Process("pathway", (*script, *options))]


def _spark(site: Site) -> list[Process]:
    module = (sys.executable, "-m", "benchmarks.contenders.spark.job")
    tables = {"table": site.table(TABLE), "equipment": site.table("equipment_master")}
    return [Process("spark", (*module, *_options(site, **tables, checkpoint=site.home / "checkpoints")))]


def _options(site: Site, **others: object) -> list[str]:
    """A job's options: the broker and its topics, and others by name."""
    options = {"bootstrap": site.bootstrap, "landing": LANDING.name, "topic": TABLE, **others}
    return [text for name, value in options.items() for text in (f"--{name}", str(value))]


def _writer(site: Site) -> Process:
    return Process("writer", (sys.executable, *_PITLAKE, "write", "--home", str(site.home)), _settings(site))


def _settings(site: Site) -> dict[str, str]:
    return {"PITLAKE_KAFKA": site.bootstrap, "PITLAKE_LAKE": str(site.lake)}


_FULL_NAME = str(TableName(_NAMES.catalog, _NAMES.schema_, TABLE))

CONTENDERS: Mapping[str, Contender] = {
    "pitlake": Contender("pitlake, real time", _FULL_NAME, partial(_pitlake, pipeline=_ONE_FLOW, mode="realtime")),
    MINE: Contender(
        "pitlake, real time, all tables of the mine", _FULL_NAME, partial(_pitlake, pipeline=MINING_PIPELINE, mode="realtime")
    ),
    "pitlake-2s": Contender(
        "pitlake, micro-batches every 2 s", _FULL_NAME, partial(_pitlake, pipeline=_ONE_FLOW, mode="micro-batch")
    ),
    "pitlake-micro": Contender(
        "pitlake, micro-batches without a pause",
        _FULL_NAME,
        partial(_pitlake, pipeline=_ONE_FLOW, mode="micro-batch", program=_FASTEST),
    ),
    "flink": Contender("Flink 2.2", TABLE, _flink, makes_topic=False, needs_spec=True),
    "pathway": Contender("Pathway 0.33", TABLE, _pathway, makes_topic=False, needs_spec=True),
    "spark": Contender("Spark 4.3, foreachBatch", TABLE, _spark, makes_topic=False),
}
