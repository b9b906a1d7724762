"""The Spark session in which a pipeline runs, on a laptop or against a cluster."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from pitlake.engine.options import LOCAL_MASTER
from pitlake.lake.source import DeltaTableSource
from pitlake.local.classes import ClassArchive, class_archive
from pitlake.local.jars import cache_folder
from pitlake.local.java import chosen_java, step_back

_logger = logging.getLogger(__name__)

# By then all flows are in their first batch, which is what a start needs classes for. Were it to wait for their first boundaries
# too, a run of three minutes would end before the archive is made.
_CLASSES_SECONDS = 10.0

_LOG_LEVEL = "ERROR"
_DRIVER_OPTIONS = "spark.driver.extraJavaOptions"
_LOGGING = Path(__file__).with_name("log4j2.properties")
_LATE_SECOND_COMPILER = (
    "-XX:Tier4InvocationThreshold=15000",
    "-XX:Tier4MinInvocationThreshold=1800",
    "-XX:Tier4CompileThreshold=45000",
    "-XX:Tier4BackEdgeThreshold=120000",
)
"""Java's second compiler takes what has run three times as often as is usual."""

LOOKED_UP = frozenset({"functions", "org.apache.spark.sql.functions", "PythonUtils", "PythonSQLUtils"})
"""The Java classes, by PySpark's names for them, that planning uses all the time."""


def session_conf(home: Path, jars: Sequence[Path], master: str) -> dict[str, str]:
    """The settings of a session whose state lives under `home`; each one that is not Spark's default says why."""
    class_path = os.pathsep.join(str(jar) for jar in jars)
    conf = {
        "spark.driver.extraClassPath": class_path,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(home / "spark"),
        "spark.sql.warehouse.dir": str(home / "spark" / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        # One shuffle partition per query: at a mine's rate a second one only costs a slot and a state store.
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.streaming.pollingDelay": "10ms",
        # A pipeline has more generated classes than the default of 100: each batch would compile those anew that were evicted.
        "spark.sql.codegen.cache.maxEntries": "5000",
        # A buffer that is not full waits this long before a shuffle sends it: the default of 50 ms is most of a window's latency.
        "spark.shuffle.streaming.networkBufferMaxWaitTimeMs": "3",
        # What real-time mode asks of a stateful query's checkpoint; a flow that begins in micro-batches then writes the same one.
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        "spark.sql.streaming.stateStore.checkpointFormatVersion": "2",
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        # A first real-time batch that did not end leaves state that no commit names: micro-batches would refuse to begin there.
        "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart": "false",
        # PySpark else notes the line of each call on a column, which is a third of the calls that planning makes into the JVM.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # Each batch is planned anew, and a tenth of that went into deriving filters from filters.
        "spark.sql.constraintPropagation.enabled": "false",
        # A tag that a message names twice must not fail the batch.
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
        # Without Hadoop's native library its local file system starts a helper process per link and permission; these three
        # keep checkpoints away from it and shorten every batch boundary.
        "spark.hadoop.fs.file.impl": "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem",
        "spark.sql.streaming.checkpointFileManagerClass": (
            "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
        ),
        "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
    }
    if _is_local(master):
        # On a laptop's few cores the second compiler would take from the start what it gives back in the hours after it.
        options = (*_LATE_SECOND_COMPILER, f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}")
        conf[_DRIVER_OPTIONS] = " ".join(options)
    else:
        # Executors have no home and other addresses: they get the jars by name and reach the driver where it is.
        for laptop_only in ("spark.driver.bindAddress", "spark.driver.host"):
            del conf[laptop_only]
        conf["spark.jars"] = ",".join(str(jar) for jar in jars)
    return conf


def start_session(
    home: Path,
    jars: Sequence[Path],
    *,
    master: str = LOCAL_MASTER,
    extra: Mapping[str, str] | None = None,
    note_classes: bool = False,
) -> SparkSession:
    """Start (or return) the process's session; `extra` settings win over pitlake's own.

    Its Java takes Spark's classes from their archive, or with `note_classes` notes them down for `archive_classes`.
    Python workers run the interpreter that runs this, so that they find pitlake.
    """
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    conf = {**session_conf(home, jars, master), **(extra or {})}
    if _is_local(master):
        classes = _classes(home, jars).options(note=note_classes)
        conf[_DRIVER_OPTIONS] = " ".join((conf[_DRIVER_OPTIONS], *map(shlex.quote, classes)))
    builder = SparkSession.builder.appName("pitlake").master(master)
    for key, value in conf.items():
        builder = builder.config(key, value)
    # PySpark prints each error as JSON with its Java stack trace, before the one that people are told.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel(_LOG_LEVEL)
    session.dataSource.register(DeltaTableSource)
    jvm = session.sparkContext._jvm  # noqa: SLF001
    _look_up_once(jvm)
    if _is_local(master):
        step_back(int(jvm.java.lang.ProcessHandle.current().pid()))  # type: ignore[union-attr]
    return session


class _Members:
    """A Java class whose members are looked up once each."""

    def __init__(self, java_class: Any) -> None:
        self._class = java_class

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._class, name)
        setattr(self, name, member)
        return member


def _look_up_once(jvm: Any) -> None:
    """Let PySpark find the functions of Spark SQL where it found them before.

    It asks the JVM for class and member at each use: two of the three calls that a use makes, and a quarter of planning's.
    """
    for name in LOOKED_UP - vars(jvm).keys():
        setattr(jvm, name, _Members(getattr(jvm, name)))


@contextmanager
def running_session(home: Path, jars: Sequence[Path], *, master: str = LOCAL_MASTER) -> Iterator[SparkSession]:
    """The process's session while the block lasts, whose classes are noted down where there is no archive of them."""
    session = start_session(home, jars, master=master, note_classes=True)
    try:
        yield session
    finally:
        session.stop()
        _notes(home).unlink(missing_ok=True)


@contextmanager
def unlogged(session: SparkSession) -> Iterator[None]:
    """Spark logs nothing while the block lasts, in which queries are stopped: each task that is interrupted is an error to it."""
    session.sparkContext.setLogLevel("OFF")
    try:
        yield
    finally:
        session.sparkContext.setLogLevel(_LOG_LEVEL)


def archive_classes(session: SparkSession, home: Path, jars: Sequence[Path], stop: threading.Event) -> None:
    """Have the next sessions start sooner: once for each Java and Spark, keep what this one's Java has loaded.

    To be called when all flows run, in a thread of its own: it waits until they are in their first batches, and returns when
    the archive is made or cannot be, or when `stop` is set. A session against a cluster has none.
    """
    if not _is_local(str(session.sparkContext.master)):
        return
    archive = _classes(home, jars)
    if not archive.is_wanted:
        return
    lang = session.sparkContext._jvm.java.lang  # type: ignore[union-attr]  # noqa: SLF001  (of the driver's Java)
    java = Path(lang.System.getProperty("java.home"), "bin", "java")
    class_path = lang.System.getProperty("java.class.path")
    given = lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()
    modules = [option for option in given if option.startswith("--")]
    if not stop.wait(_CLASSES_SECONDS):
        try:
            archive.make(java, class_path, modules, stop)
        except OSError as fault:
            _logger.warning("Starts stay as slow as this one was: Spark's classes cannot be archived (%s).", fault)


def _is_local(master: str) -> bool:
    """Whether that master runs all of Spark in the session's own Java, as on a laptop."""
    return master == "local" or master.startswith("local[")


def _classes(home: Path, jars: Sequence[Path]) -> ClassArchive:
    spark = sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))
    return class_archive(cache_folder() / "classes", "spark", chosen_java(), [*jars, *spark], _notes(home))


def _notes(home: Path) -> Path:
    """A home's pipelines run side by side, and each notes down its own."""
    return home / "spark" / f"classes-{os.getpid()}.txt"
