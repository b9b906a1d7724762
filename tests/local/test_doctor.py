from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from pitlake.local.doctor import Finding, examine

GB = 1024**3


def _finding(home: Path, name: str) -> Finding:
    return next(each for each in examine(home) if each.name == name)


def test_everything_is_examined_and_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert [finding.name for finding in examine(home)] == ["java", "jars", "disk", "memory", "home"]
    assert not home.exists()


def test_what_is_well_needs_nothing_done(tmp_path: Path) -> None:
    assert all(finding.do == "" for finding in examine(tmp_path) if finding.ok)


def test_a_missing_java_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    found = _finding(tmp_path, "java")
    assert not found.ok
    assert "Install Java" in found.do


def test_jars_that_are_not_there_yet_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PITLAKE_CACHE", str(tmp_path))
    assert _finding(tmp_path, "jars").ok


def test_too_little_memory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(GB))  # noqa: PYI024
    found = _finding(tmp_path, "memory")
    assert (found.ok, found.what) == (False, "1.0 GB of memory available; 4 GB are needed")


def test_a_home_that_is_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    assert not _finding(tmp_path / "home", "home").ok
