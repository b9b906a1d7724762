"""The session's Java: what it is told of the archive of its classes."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F

from pitlake.engine import session
from pitlake.local.classes import ClassArchive


class Jvm:
    """Counts what is looked up in it. No process has its number."""

    def __init__(self):
        self.looked_up = []
        self.java = SimpleNamespace(lang=SimpleNamespace(ProcessHandle=SimpleNamespace(current=lambda: self)))

    def pid(self):
        return 0

    def __getattr__(self, name):
        self.looked_up.append(name)
        return self if name in session.LOOKED_UP else name


@pytest.fixture
def jvm():
    return Jvm()


@pytest.fixture
def built(monkeypatch, jvm):
    """The settings with which a session would be started, in `jvm`."""
    settings = {}
    builder = SimpleNamespace(
        appName=lambda _: builder,
        master=lambda _: builder,
        config=lambda key, value: settings.update({key: value}) or builder,
        getOrCreate=lambda: SimpleNamespace(
            sparkContext=SimpleNamespace(setLogLevel=lambda _: None, _jvm=jvm),
            dataSource=SimpleNamespace(register=lambda _: None),
        ),
    )
    monkeypatch.setattr(session, "SparkSession", SimpleNamespace(builder=builder))
    return settings


def _told(settings):
    return [
        option for option in shlex.split(settings["spark.driver.extraJavaOptions"]) if "Class" in option or "Shared" in option
    ]


def test_classes_are_noted_down_below_the_home_whatever_its_name(built, tmp_path, monkeypatch):
    monkeypatch.setenv("PITLAKE_CACHE", str(tmp_path / "cache"))
    session.start_session(tmp_path / "night shift", [], note_classes=True)
    [option] = _told(built)
    assert option.startswith(f"-XX:DumpLoadedClassList={tmp_path / 'night shift' / 'spark'}")


def test_a_session_that_runs_no_pipeline_notes_nothing_down(built, tmp_path, monkeypatch):
    monkeypatch.setenv("PITLAKE_CACHE", str(tmp_path / "cache"))
    session.start_session(tmp_path, [])
    assert _told(built) == []


def test_an_archive_that_is_made_is_used_by_every_session(built, tmp_path, monkeypatch):
    made = ClassArchive(tmp_path / "spark.jsa", tmp_path / "notes")
    made.path.touch()
    monkeypatch.setattr(session, "_classes", lambda *_: made)
    session.start_session(tmp_path, [])
    assert _told(built) == [f"-XX:SharedArchiveFile={made.path}"]


def test_a_session_against_a_cluster_has_no_archive(built, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "_classes", lambda *_: pytest.fail("asked for the archive"))
    session.start_session(tmp_path, [], master="spark://host:7077", note_classes=True)
    assert "spark.driver.extraJavaOptions" not in built
    cluster = SimpleNamespace(sparkContext=SimpleNamespace(master="spark://host:7077"))
    session.archive_classes(cluster, tmp_path, [], threading.Event())


def test_an_archive_is_made_with_the_module_options_that_the_running_java_was_given(monkeypatch, tmp_path):
    made, modules = [], ["--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED"]
    wanted = SimpleNamespace(is_wanted=True, make=lambda *arguments: made.append(arguments))
    monkeypatch.setattr(session, "_classes", lambda *_: wanted)
    monkeypatch.setattr(session, "_CLASSES_SECONDS", 0.0)
    bean = SimpleNamespace(getInputArguments=lambda: ["-Xmx2g", *modules])
    lang = SimpleNamespace(
        System=SimpleNamespace(getProperty={"java.home": "/jdk", "java.class.path": "a.jar"}.get),
        management=SimpleNamespace(ManagementFactory=SimpleNamespace(getRuntimeMXBean=lambda: bean)),
    )
    context = SimpleNamespace(master="local[2]", _jvm=SimpleNamespace(java=SimpleNamespace(lang=lang)))
    stop = threading.Event()
    session.archive_classes(SimpleNamespace(sparkContext=context), tmp_path, [], stop)
    assert made == [(Path("/jdk/bin/java"), "a.jar", modules, stop)]


@pytest.mark.parametrize(("master", "stepped_back"), [("local[256]", [0]), ("spark://host:7077", [])])
def test_the_java_that_computes_gives_way_to_its_compilers(built, tmp_path, monkeypatch, master, stepped_back):
    told = []
    monkeypatch.setattr(session, "step_back", told.append)
    session.start_session(tmp_path, [], master=master)
    assert told == stepped_back


def _fail_unlogged(spark):
    with session.unlogged(spark):
        raise RuntimeError


def test_spark_logs_again_after_what_was_to_be_done_without_a_word():
    levels = []
    with pytest.raises(RuntimeError):
        _fail_unlogged(SimpleNamespace(sparkContext=SimpleNamespace(setLogLevel=levels.append)))
    assert levels == ["OFF", "ERROR"]


def test_a_function_of_spark_is_looked_up_in_java_once(built, jvm, tmp_path):
    session.start_session(tmp_path, [])
    for _ in range(2):
        for name in session.LOOKED_UP:
            assert getattr(jvm, name).lower == "lower"
    assert sorted(jvm.looked_up) == sorted([*session.LOOKED_UP, *["lower"] * len(session.LOOKED_UP)])


def test_a_second_start_looks_nothing_up_again(built, jvm, tmp_path):
    session.start_session(tmp_path, [])
    session.start_session(tmp_path, [])
    assert sorted(jvm.looked_up) == sorted(session.LOOKED_UP)


def test_pyspark_finds_its_functions_where_they_are_kept(spark, monkeypatch):
    jvm = spark.sparkContext._jvm
    session._look_up_once(jvm)
    try:
        F.lower(F.col("a"))
        for name in session.LOOKED_UP:
            monkeypatch.setattr(getattr(jvm, name), "_class", None)
        assert "lower(b)" in str(F.lower(F.col("b")))
    finally:
        for name in session.LOOKED_UP:
            delattr(jvm, name)
