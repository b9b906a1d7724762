"""Java's class data sharing: the classes that a program loads, in a file that its next start maps instead of reading their jars.

https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html. A start that finds no such file notes the classes down; from
those notes the file is made beside the running program, when nothing else wants the processor. Java itself does without the file
when it does not fit its version or the class path.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pitlake.local.locks import opened, try_lock
from pitlake.local.processes import GuardedProcess

_UNUSED_SECONDS = 30 * 24 * 3600.0
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 1.0


@dataclass(frozen=True)
class ClassArchive:
    """The archive of one Java program at `path`; `notes` is where a start of it without one notes down the classes."""

    path: Path
    notes: Path

    @property
    def is_made(self) -> bool:
        """Whether the program starts with it."""
        return self.path.is_file()

    def options(self) -> tuple[str, ...]:
        """What to tell the program's Java. Creates the folder of the notes."""
        if self.is_made:
            os.utime(self.path)  # its last use, for `_drop_unused`
            return (f"-XX:SharedArchiveFile={self.path}",)
        self.notes.parent.mkdir(parents=True, exist_ok=True)
        return (f"-XX:DumpLoadedClassList={self.notes}",)

    def make(self, java: Path, class_path: str, stop: threading.Event) -> None:
        """Make the archive from the notes, unless `stop` is set before it is done or another process is at it.

        It takes most of a minute of processor time at the lowest priority and some 600 MB of memory. `class_path` is the running
        program's own, wildcards expanded. What Java says is in a log beside the archive.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with opened(self.path.with_suffix(".lock")) as lock:
            if try_lock(lock) and not self.is_made:
                _drop_unused(self.path.parent)
                self._make(java, class_path, stop)

    def _make(self, java: Path, class_path: str, stop: threading.Event) -> None:
        draft = self.path.with_suffix(".draft")
        source, target = f"-XX:SharedClassListFile={self.notes}", f"-XX:SharedArchiveFile={draft}"
        command = ["nice", "-n", "19", str(java), "-Xshare:dump", source, target, "-cp", class_path]
        process = GuardedProcess(command, {}, self.path.with_suffix(".log"), grace_seconds=_GRACE_SECONDS)
        try:
            while (code := process.exit_code()) is None and not stop.wait(_POLL_SECONDS):
                pass
            if code == 0:
                draft.replace(self.path)
                self.notes.unlink(missing_ok=True)
        finally:
            process.end()
            draft.unlink(missing_ok=True)


def class_archive(folder: Path, program: str, java: Path, jars: Sequence[Path], notes: Path) -> ClassArchive:
    """The archive of a program in `folder`: another one for each Java and for other jars."""
    installed = java.resolve()
    state = installed.stat()
    told = [str(installed), str(state.st_mtime_ns), str(state.st_size), *(str(jar) for jar in jars)]
    key = hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
    return ClassArchive(folder / f"{program}-{key}.jsa", notes)


def _drop_unused(folder: Path) -> None:
    """An archive takes 160 MB, and each new Java or Spark wants its own."""
    for archive in folder.glob("*.jsa"):
        if archive.stat().st_mtime < time.time() - _UNUSED_SECONDS:
            archive.unlink()
