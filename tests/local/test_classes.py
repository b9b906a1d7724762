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
MODULES = ("--add-opens=java.base/java.lang=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED")
"""Two of Spark's own: an archive that was made without them is refused from Java 24 on."""


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
    command = [java, *MODULES, *options, "-cp", class_path, "kafka.tools.StorageTool", "random-uuid"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_start_notes_its_classes_down_and_the_next_one_has_them_from_the_archive(
    archive: ClassArchive, java: Path, class_path: str
) -> None:
    _run(java, class_path, *archive.options(note=True))
    assert archive.is_wanted
    archive.make(java, class_path, MODULES, threading.Event())
    assert not archive.is_wanted
    loaded = _run(java, class_path, "-Xshare:on", "-Xlog:class+load", *archive.options(note=True))
    assert "kafka.tools.StorageTool source: shared objects file" in loaded


def test_an_archive_of_another_class_path_does_no_harm(
    archive: ClassArchive, java: Path, class_path: str, tmp_path: Path
) -> None:
    _run(java, class_path, *archive.options(note=True))
    archive.make(java, class_path, MODULES, threading.Event())
    assert _run(java, os.pathsep.join((str(tmp_path / "other.jar"), class_path)), *archive.options(note=True)).strip()


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this machine does not group processes by session")
def test_it_is_made_at_the_lowest_priority_in_its_session_and_among_sessions(archive: ClassArchive, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nuntil grep -q 'nice 19' /proc/self/autogroup; do sleep 0.05; done\nexit $((19 - $(nice)))\n")
    java.chmod(0o755)
    archive.path.parent.mkdir()
    archive.path.with_suffix(".draft").touch()
    archive.notes.parent.mkdir()
    archive.notes.touch()
    archive.make(java, "", [], threading.Event())
    assert archive.path.is_file()


def test_what_is_stopped_leaves_nothing_and_is_made_by_the_next(archive: ClassArchive, java: Path, class_path: str) -> None:
    _run(java, class_path, *archive.options(note=True))
    stop = threading.Event()
    stop.set()
    archive.make(java, class_path, MODULES, stop)
    assert {path.suffix for path in archive.path.parent.iterdir()} <= {".lock", ".log"}
    archive.make(java, class_path, MODULES, threading.Event())
    assert archive.path.is_file()


def test_what_failed_is_told_in_its_log_and_not_tried_at_every_start(archive: ClassArchive, java: Path, class_path: str) -> None:
    archive.make(java, class_path, MODULES, threading.Event())
    assert not archive.path.exists()
    assert not archive.is_wanted
    assert archive.options(note=True) == ()
    assert "classlist" in archive.path.with_suffix(".log").read_text()
    failed = archive.path.with_suffix(".failed")
    os.utime(failed, (failed.stat().st_mtime - MONTH,) * 2)
    assert archive.is_wanted


def test_an_archive_that_another_process_makes_is_left_to_it(archive: ClassArchive, java: Path, class_path: str) -> None:
    with opened(archive.path.with_suffix(".lock")) as other:
        assert try_lock(other)
        archive.make(java, class_path, MODULES, threading.Event())
    assert not archive.path.with_suffix(".log").exists()


def test_an_archive_that_was_not_used_for_a_month_goes_when_another_is_made(
    archive: ClassArchive, java: Path, class_path: str
) -> None:
    old, used = archive.path.with_name("tool-0.jsa"), ClassArchive(archive.path.with_name("tool-2.jsa"), archive.notes)
    archive.path.parent.mkdir()
    for path in (old, used.path):
        path.touch()
        os.utime(path, (path.stat().st_mtime - MONTH,) * 2)
    used.options(note=False)
    archive.make(java, class_path, MODULES, threading.Event())
    assert (old.exists(), used.path.exists()) == (False, True)


def test_another_users_archive_is_used_too(archive: ClassArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.path.parent.mkdir()
    archive.path.touch()

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    assert archive.options(note=True) == (f"-XX:SharedArchiveFile={archive.path}",)


def test_classes_are_only_noted_down_where_that_is_asked_for(archive: ClassArchive) -> None:
    assert archive.options(note=False) == ()
    assert not archive.notes.parent.exists()


def test_another_java_or_other_jars_have_an_archive_of_their_own(tmp_path: Path) -> None:
    java, jar, release = tmp_path / "jdk" / "bin" / "java", tmp_path / "a.jar", tmp_path / "jdk" / "release"
    java.parent.mkdir(parents=True)
    java.touch()
    jar.touch()

    def path() -> Path:
        return class_archive(tmp_path, "spark", java, [jar], tmp_path / "notes").path

    paths = [path(), path()]
    for file in (release, jar, java):
        file.write_text("another one")
        paths.append(path())
    assert paths[0] == paths[1]
    assert len(set(paths)) == 4
