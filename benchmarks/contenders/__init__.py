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

    `makes_topic` is whether the contender creates it. `spec` is whether its Delta table is written by pitlake's writer although its
    topic is not pitlake's, so that the writer must be told of the table.
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
    argv = [python_of("flink"), HERE / "flink" / "job.py", "--bootstrap", site.bootstrap, "--landing", LANDING.name, "--topic", TABLE]
    argv += ["--equipment", site.equipment, "--jar", flink_jar(), "--state", site.home / "checkpoints"]
    return [_writer(site), Process("flink", tuple(map(str, argv)))]


def _pathway(site: Site) -> list[Process]:
    argv = [python_of("pathway"), HERE / "pathway" / "job.py", "--bootstrap", site.bootstrap, "--landing", LANDING.name]
    argv += ["--topic", TABLE, "--equipment", site.equipment, "--state", site.home / "checkpoints"]
    return [_writer(site), Process("pathway", tuple(map(str, argv)))]


def _spark(site: Site) -> list[Process]:
    argv = [sys.executable, "-m", "benchmarks.contenders.spark.job", "--bootstrap", site.bootstrap, "--landing", LANDING.name]
    argv += ["--topic", TABLE, "--table", site.table(TABLE), "--equipment", site.table("equipment_master")]
    argv += ["--checkpoint", site.home / "checkpoints"]
    return [Process("spark", tuple(map(str, argv)))]


def _writer(site: Site) -> Process:
    return Process("writer", (sys.executable, *_PITLAKE, "write", "--home", str(site.home)), _settings(site))


def _settings(site: Site) -> dict[str, str]:
    return {"PITLAKE_KAFKA": site.bootstrap, "PITLAKE_LAKE": str(site.lake)}


_FULL_NAME = str(TableName(_NAMES.catalog, _NAMES.schema_, TABLE))

CONTENDERS: Mapping[str, Contender] = {
    "pitlake": Contender(
        "pitlake, real time", _FULL_NAME, partial(_pitlake, pipeline=_ONE_FLOW, mode="realtime")
    ),
    "pitlake-mining": Contender(
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
