from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pitlake.errors import EnvironmentProblem
from pitlake.local import jars
from pitlake.local.jars import check_jars, fetch_jars, jars_folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in place of the user's."""
    monkeypatch.setenv("PITLAKE_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def filled_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the user's cache, which is filled when it is empty; the folder of the jars."""
    fetch_jars()
    original = jars_folder()
    monkeypatch.setenv("PITLAKE_CACHE", str(tmp_path))
    return shutil.copytree(original, jars_folder())


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*command: object, **_: object) -> None:
        pytest.fail(f"{command} was run")

    monkeypatch.setattr(subprocess, "run", refuse)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose Java reaches nothing: its proxy does not answer."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        proxy = " ".join(f"-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={port}" for scheme in ("http", "https"))
        monkeypatch.setenv("JAVA_TOOL_OPTIONS", proxy)
        yield


@pytest.mark.usefixtures("filled_cache", "nothing_runs")
def test_a_second_start_needs_neither_java_nor_network() -> None:
    heard: list[str] = []
    found = fetch_jars(heard.append)
    assert not heard
    assert {jar.name.rsplit("-", 1)[0] for jar in found.spark} >= {"spark-sql-kafka-0-10_2.13", "kafka-clients"}
    assert "kafka_2.13-4.2.0.jar" in {jar.name for jar in found.broker}
    assert all(jar.is_file() for jar in (*found.spark, *found.broker))


def test_a_jar_that_was_changed_is_refused(filled_cache: Path) -> None:
    changed = filled_cache / "broker" / "kafka_2.13-4.2.0.jar"
    changed.write_bytes(changed.read_bytes() + b"more")
    with pytest.raises(EnvironmentProblem, match=r"kafka_2\.13-4\.2\.0\.jar") as refused:
        fetch_jars()
    assert str(filled_cache) in refused.value.do


def test_a_jar_that_is_missing_is_told(filled_cache: Path) -> None:
    next((filled_cache / "spark").iterdir()).unlink()
    with pytest.raises(EnvironmentProblem, match="is missing"):
        fetch_jars()


def test_a_jar_that_nobody_asked_for_is_not_run(filled_cache: Path) -> None:
    (filled_cache / "broker" / "stranger-1.0.jar").touch()
    assert "stranger-1.0.jar" not in {jar.name for jar in fetch_jars().broker}


@pytest.mark.usefixtures("cache", "offline")
def test_a_first_start_without_network_is_told_and_leaves_nothing_half_done(cache: Path) -> None:
    heard: list[str] = []
    with pytest.raises(EnvironmentProblem, match="could not be fetched") as refused:
        fetch_jars(heard.append)
    assert "needs the internet" in refused.value.do
    assert len(heard) == 1
    assert not jars_folder().exists()
    assert not list(cache.glob("jars/fetching-*"))


@pytest.mark.usefixtures("cache")
def test_the_check_fetches_nothing() -> None:
    assert "not fetched yet" in check_jars()
    assert not jars_folder().exists()


def test_a_start_that_waited_for_another_ones_fetch_fetches_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetches: list[Path] = []

    def fetch(folder: Path, _progress: object) -> None:
        fetches.append(folder)
        folder.mkdir(parents=True)

    monkeypatch.setattr(jars, "_fetch", fetch)
    monkeypatch.setattr(jars, "_checksums", dict)
    for _ in range(2):
        fetch_jars()
    assert fetches == [jars_folder()]
