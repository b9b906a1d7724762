"""The session's Java: what it is told of the archive of its classes."""

from __future__ import annotations

import shlex
import threading
from types import SimpleNamespace

import pytest
from py4j.clientserver import ClientServerConnection
from py4j.protocol import REFLECTION_COMMAND_NAME
from pyspark.sql import functions as F

from pitlake.engine import session
from pitlake.local.classes import ClassArchive


@pytest.fixture
def built(monkeypatch):
    """The settings with which a session would be started."""
    settings = {}
    builder = SimpleNamespace(
        appName=lambda _: builder,
        master=lambda _: builder,
        config=lambda key, value: settings.update({key: value}) or builder,
        getOrCreate=lambda: SimpleNamespace(
            sparkContext=SimpleNamespace(setLogLevel=lambda _: None, _jvm=SimpleNamespace(**dict.fromkeys(session.LOOKED_UP))),
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


def test_a_function_of_spark_is_looked_up_in_java_once(spark, monkeypatch):
    def sent(connection, command):
        commands.append(command)
        return send(connection, command)

    session._look_up_once(spark.sparkContext._jvm)
    F.lower(F.col("a"))
    commands, send = [], ClientServerConnection.send_command
    monkeypatch.setattr(ClientServerConnection, "send_command", sent)
    F.lower(F.col("b"))
    assert [command for command in commands if command.startswith(REFLECTION_COMMAND_NAME)] == []
    assert commands
