"""Java's class data sharing: the classes that a program loads, in a file that its next start maps instead of reading their jars.

https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html. A start that finds no such file may note the classes down;
from those notes the file is made beside the running program, at the lowest priority. Java itself does without the file when it
does not fit its version or the class path.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pitlake.local.locks import opened, try_lock
from pitlake.local.processes import GuardedProcess

_OLD_SECONDS = 30 * 24 * 3600.0
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 1.0

# Java 24 and later keep classes as linked as they were; an older one knows no such option.
_LINKED = ("-XX:+IgnoreUnrecognizedVMOptions", "-XX:+AOTClassLinking")


@dataclass(frozen=True)
class ClassArchive:
    """The archive of one Java program at `path`, of what a start without one has noted down in `notes`."""

    path: Path
    notes: Path

    @property
    def is_wanted(self) -> bool:
        """Whether it is still to be made: it is not there, and has not failed lately."""
        return not self.path.is_file() and (not self._failed.exists() or _is_old(self._failed))

    def options(self, *, note: bool) -> tuple[str, ...]:
        """What to tell the program's Java: to use the archive, or, where it is wanted, to `note` the classes down for it."""
        if self.path.is_file():
            with suppress(OSError):  # another user's
                os.utime(self.path)  # its last use, for `_drop_unused`
            return (f"-XX:SharedArchiveFile={self.path}",)
        if note and self.is_wanted:
            self.notes.parent.mkdir(parents=True, exist_ok=True)
            return (f"-XX:DumpLoadedClassList={self.notes}",)
        return ()

    def make(self, java: Path, class_path: str, modules: Sequence[str], stop: threading.Event) -> None:
        """Make the archive from the notes, unless `stop` is set before it is done or another process is at it.

        It takes most of a minute of processor time at the lowest priority and some 900 MB of memory. `class_path`, wildcards
        expanded, and `modules`, the options about Java's modules, are the running program's own: Java takes no archive that was
        made with others. What Java says is in a log beside the archive; what failed is not tried again for a
        month. Raises OSError where the folder cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with opened(self.path.with_suffix(".lock")) as lock:
            if try_lock(lock) and self.is_wanted:
                _drop_unused(self.path.parent)
                self._make(java, [*modules, "-cp", class_path], stop, lock)

    @property
    def _failed(self) -> Path:
        return self.path.with_suffix(".failed")

    def _make(self, java: Path, program: Sequence[str], stop: threading.Event, lock: int) -> None:
        draft = self.path.with_suffix(".draft")
        source, target = f"-XX:SharedClassListFile={self.notes}", f"-XX:SharedArchiveFile={draft}"
        # The quick compiler alone: it is done in 39 s of processor time, with both it takes 46 s.
        dump = ["-XX:TieredStopAtLevel=1", *_LINKED, "-Xshare:dump", source, target]
        command = ["nice", "-n", "19", str(java), *dump, *program]
        log = self.path.with_suffix(".log")
        process = GuardedProcess(command, {}, log, grace_seconds=_GRACE_SECONDS, held=(lock,))
        _give_way_to_other_sessions(process.pid)
        try:
            while (code := process.exit_code()) is None and not stop.wait(_POLL_SECONDS):
                pass
            if code == 0:
                draft.replace(self.path)
            elif code is not None:
                self._failed.touch()
        finally:
            process.end()
            draft.unlink(missing_ok=True)


def class_archive(folder: Path, program: str, java: Path, jars: Sequence[Path], notes: Path) -> ClassArchive:
    """The archive of a program in `folder`: another one for each Java, its options and other jars: it takes no other."""
    installed = java.resolve()
    release = installed.parent.parent / "release"  # tells a JDK's version, also where `java` stays the same file
    key = hashlib.sha256(release.read_bytes() if release.is_file() else b"")
    key.update(f"{_LINKED} {os.environ.get('JDK_JAVA_OPTIONS', '')}".encode())
    for file in (installed, *jars):
        state = file.stat()
        key.update(f"\n{file} {state.st_size} {state.st_mtime_ns}".encode())
    return ClassArchive(folder / f"{program}-{key.hexdigest()[:12]}.jsa", notes)


def _give_way_to_other_sessions(pid: int | None) -> None:
    """Where Linux groups processes by session (sched(7), autogroup), it weighs the groups, whatever niceness is within one."""
    with suppress(OSError):  # it does not, or the process has ended
        Path("/proc", str(pid), "autogroup").write_text("19", encoding="ascii")


def _drop_unused(folder: Path) -> None:
    """An archive takes 220 MB, and each new Java or Spark wants its own."""
    for file in folder.iterdir():
        with suppress(OSError):  # another process may be at it
            if _is_old(file):
                file.unlink()


def _is_old(file: Path) -> bool:
    return file.stat().st_mtime < time.time() - _OLD_SECONDS
