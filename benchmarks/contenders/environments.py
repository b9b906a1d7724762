"""The peers' own virtual environments and jars, below pitlake's cache: made at first use, anew when the pins change.

    python -m benchmarks.contenders.environments

makes all of them beforehand: 2.4 GB on disk.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pyspark

from pitlake.local import jars
from pitlake.local.java import find_java
from pitlake.local.locks import file_lock

HERE = Path(__file__).parent
_IVY_SETTINGS = Path(jars.__file__).with_name("ivysettings.xml")


def python_of(name: str) -> Path:
    """The Python of a contender's environment, which holds what its `requirements.txt` pins. Raises CalledProcessError."""
    pins = HERE / name / "requirements.txt"
    folder = _cached(name, pins)
    with file_lock(folder.with_suffix(".lock")):
        if not (folder / "ready").is_file():
            print(f"Making the environment of {name} (once, some minutes) …", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*map(str, pip), "-r", str(pins)], check=True)
            (folder / "ready").touch()
    return folder / "bin" / "python"


def flink_jar() -> Path:
    """Flink's Kafka connector, which no Python package holds. Raises CalledProcessError."""
    names = HERE / "flink" / "ivy.xml"
    folder = _cached("flink-jars", names)
    with file_lock(folder.with_suffix(".lock")):
        if not list(folder.glob("*.jar")):
            ivy = next(Path(pyspark.__file__).parent.glob("jars/ivy-*.jar"))
            command = [find_java(), "-jar", ivy, "-settings", _IVY_SETTINGS, "-ivy", names, "-cache", folder / "ivy"]
            command += ["-retrieve", folder / "[artifact]-[revision].[ext]"]
            subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.jar"))


def _cached(name: str, pins: Path) -> Path:
    return jars.cache_folder() / "contenders" / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"


def main() -> None:
    """Make all of them, and print where they are."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for contender in ("flink", "pathway"):
        print(python_of(contender))
    print(flink_jar())


if __name__ == "__main__":
    main()
