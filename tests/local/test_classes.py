"""Archives of classes, made and used by the real Java."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from pitlake.local.classes import ClassArchive, class_archive
from pitlake.local.jars import fetch_jars
from pitlake.local.java import find_java
from pitlake.local.locks import opened, try_lock

MONTH = 31 * 24 * 3600


@pytest.fixture
def archive(tmp_path: Path) -> ClassArchive:
    return ClassArchive(tmp_path / "cache" / "tool-1.jsa", tmp_path / "home" / "classes.txt")


@pytest.fixture(scope="session")
def java() -> Path:
    return find_java()


@pytest.fixture(scope="session")
def class_path() -> str:
    return os.pathsep.join(str(jar) for jar in fetch_jars().broker)


def _run(java: Path, class_path: str, *options: str) -> str:
    """Run a small Java program of the broker's; what it prints."""
    command = [java, *options, "-cp", class_path, "kafka.tools.StorageTool", "random-uuid"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_start_notes_its_classes_down_and_the_next_one_has_them_from_the_archive(
    archive: ClassArchive, java: Path, class_path: str
) -> None:
    _run(java, class_path, *archive.options())
    assert not archive.is_made
    archive.make(java, class_path, threading.Event())
    assert archive.is_made
    assert not archive.notes.exists()
    loaded = _run(java, class_path, "-Xshare:on", "-Xlog:class+load", *archive.options())
    assert "kafka.tools.StorageTool source: shared objects file" in loaded


def test_an_archive_of_another_class_path_does_no_harm(
    archive: ClassArchive, java: Path, class_path: str, tmp_path: Path
) -> None:
    _run(java, class_path, *archive.options())
    archive.make(java, class_path, threading.Event())
    assert _run(java, os.pathsep.join((str(tmp_path / "other.jar"), class_path)), *archive.options()).strip()


def test_what_is_stopped_leaves_nothing_and_is_made_by_the_next(archive: ClassArchive, java: Path, class_path: str) -> None:
    _run(java, class_path, *archive.options())
    stop = threading.Event()
    stop.set()
    archive.make(java, class_path, stop)
    assert {path.suffix for path in archive.path.parent.iterdir()} <= {".lock", ".log"}
    archive.make(java, class_path, threading.Event())
    assert archive.is_made


def test_notes_that_make_no_archive_are_told_in_its_log(archive: ClassArchive, java: Path, class_path: str) -> None:
    archive.make(java, class_path, threading.Event())
    assert not archive.is_made
    assert "classlist" in archive.path.with_suffix(".log").read_text()


def test_an_archive_that_another_process_makes_is_left_to_it(archive: ClassArchive, java: Path, class_path: str) -> None:
    with opened(archive.path.with_suffix(".lock")) as other:
        assert try_lock(other)
        archive.make(java, class_path, threading.Event())
    assert not archive.path.with_suffix(".log").exists()


def test_an_archive_that_was_not_used_for_a_month_goes_when_another_is_made(
    archive: ClassArchive, java: Path, class_path: str
) -> None:
    old, used = archive.path.with_name("tool-0.jsa"), ClassArchive(archive.path.with_name("tool-2.jsa"), archive.notes)
    archive.path.parent.mkdir()
    for path in (old, used.path):
        path.touch()
        os.utime(path, (path.stat().st_mtime - MONTH,) * 2)
    used.options()
    archive.make(java, class_path, threading.Event())
    assert (old.exists(), used.is_made) == (False, True)


def test_another_java_or_other_jars_have_an_archive_of_their_own(tmp_path: Path) -> None:
    javas = [tmp_path / "java17", tmp_path / "java21"]
    for java in javas:
        java.write_text(java.name)
    paths = {
        class_archive(tmp_path, "spark", java, jars, tmp_path / "notes").path
        for java in javas
        for jars in ([Path("a.jar")], [Path("b.jar")])
    }
    assert len(paths) == 4
