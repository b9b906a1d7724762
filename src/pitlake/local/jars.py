"""The jars that pip does not bring: Spark's Kafka connector and the broker, fetched once for all homes of a user.

`ivy.xml` names them, the Ivy in pyspark's wheel fetches them, `jars.sha256` says what they must be. The cache is
`$PITLAKE_CACHE`, by default `~/.cache/pitlake`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from pitlake.errors import EnvironmentProblem
from pitlake.local.java import find_java
from pitlake.local.locks import file_lock

_HERE = Path(__file__).parent
_IVY = _HERE / "ivy.xml"
_IVY_SETTINGS = _HERE / "ivysettings.xml"
_CHECKSUMS = _HERE / "jars.sha256"

_FETCH_SECONDS = 900.0


@dataclass(frozen=True)
class Jars:
    """The class paths: what Spark's driver needs beside pyspark's own jars, and the broker."""

    spark: tuple[Path, ...]
    broker: tuple[Path, ...]


def fetch_jars(progress: Callable[[str], None] = lambda _: None) -> Jars:
    """The jars, fetched at the first call (54 MB) and only checked at later ones, without Java or network.

    `progress` hears of a fetch. Safe to call from several processes at once. Raises EnvironmentProblem when they cannot be
    fetched or one is not what it should be.
    """
    folder = jars_folder()
    if not folder.is_dir():
        with file_lock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _fetch(folder, progress)
    _verify_cached(folder)
    return _jars(folder)


def check_jars() -> str:
    """Whether the jars are in the cache and right, in words; fetches nothing. Raises EnvironmentProblem for a wrong one."""
    folder = jars_folder()
    if not folder.is_dir():
        return "not fetched yet; the first start does (54 MB)"
    _verify_cached(folder)
    return f"{len(_checksums())} jars in {folder}"


def jars_folder() -> Path:
    """Where the jars of this version of pitlake are, or will be."""
    return cache_folder() / "jars" / hashlib.sha256(_IVY.read_bytes()).hexdigest()[:12]


def cache_folder() -> Path:
    """What the homes of a user share."""
    chosen = os.environ.get("PITLAKE_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "pitlake"


def _fetch(folder: Path, progress: Callable[[str], None]) -> None:
    progress("Fetching the jars of the broker and of Spark's Kafka connector (54 MB, once)")
    java = find_java()
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder.parent) as name:
        temporary = Path(name)
        _run_ivy(java, temporary, log=folder.with_suffix(".log"))
        fetched = temporary / "jars"
        _verify(
            fetched, do="Start again; if it happens twice, the repository that Ivy asks serves other files: see ivysettings.xml."
        )
        fetched.rename(folder)


def _run_ivy(java: Path, temporary: Path, log: Path) -> None:
    command: list[str | Path] = [
        *(java, "-jar", _ivy_jar(), "-settings", _IVY_SETTINGS, "-ivy", _IVY, "-cache", temporary / "ivy"),
        *("-retrieve", temporary / "jars" / "[conf]" / "[artifact]-[revision].[ext]"),
    ]
    with log.open("wb") as output:
        try:
            subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=True, timeout=_FETCH_SECONDS)
        except subprocess.SubprocessError as fault:
            raise EnvironmentProblem(
                "The jars of the broker and of Spark's Kafka connector could not be fetched.",
                do=f"The first start needs the internet, later ones do not. What Ivy said is in {log}.",
            ) from fault


def _ivy_jar() -> Path:
    # Where pyspark is can be told without the time that its import takes.
    return next(Path(str(distribution("pyspark").locate_file("pyspark/jars"))).glob("ivy-*.jar"))


def _verify_cached(folder: Path) -> None:
    _verify(folder, do=f"Delete {folder}, and start again to fetch them anew.")


def _verify(folder: Path, *, do: str) -> None:
    for name, checksum in _checksums().items():
        if _checksum(folder / name) != checksum:
            raise EnvironmentProblem(f"{folder / name} is missing, or is not the file that pitlake was tested with.", do=do)


def _checksum(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _checksums() -> dict[str, str]:
    lines = _CHECKSUMS.read_text(encoding="ascii").splitlines()
    return {name: checksum for checksum, name in (line.split("  ") for line in lines)}


def _jars(folder: Path) -> Jars:
    def part(name: str) -> tuple[Path, ...]:
        return tuple(folder / jar for jar in _checksums() if jar.startswith(f"{name}/"))

    return Jars(spark=part("spark"), broker=part("broker"))
