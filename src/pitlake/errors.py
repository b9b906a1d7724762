"""Every error that pitlake raises on purpose, as one tree.

    PitlakeError
    ├── DefinitionError      a pipeline file says something that cannot be run
    ├── ConfigurationError   a setting, an argument or an environment that cannot work
    ├── EnvironmentProblem   Java, jars, ports, disk: what the machine lacks
    ├── ProcessError         a process that is kept running ended, or did not become ready
    ├── BrokerError          Kafka cannot be reached or refuses
    ├── LakeError            a Delta table cannot be read or written
    ├── QueryError           a SQL statement that is refused or fails
    └── FlowError            a running flow stopped
        └── ExpectationViolationError   at a row that it must not accept

An error says what happened and what to do about it, as two separate lines, so that a command can print just these two.
"""

from __future__ import annotations


class PitlakeError(Exception):
    """What happened, and what to do.

    `what` and `do` are one line each. `transient` tells a supervisor whether trying again can help.
    """

    transient = False

    def __init__(self, what: str, *, do: str) -> None:
        super().__init__(what)
        self.what = what
        self.do = do

    def __str__(self) -> str:
        return f"{self.what}\n{self.do}"


class DefinitionError(PitlakeError):
    """A pipeline file says something that cannot be run; `file` and `line` are where."""

    def __init__(self, what: str, *, do: str, file: str | None = None, line: int | None = None) -> None:
        where = f"{file}:{line}: " if file else ""
        super().__init__(f"{where}{what}", do=do)
        self.file = file
        self.line = line


class ConfigurationError(PitlakeError):
    """A setting, an argument or a combination of them that cannot work."""


class EnvironmentProblem(PitlakeError):
    """The machine lacks something: Java, jars, a port, disk, memory."""


class ProcessError(PitlakeError):
    """A process that is kept running ended, again and again, or did not become ready."""


class BrokerError(PitlakeError):
    """Kafka cannot be reached, or refused what was asked of it."""

    transient = True


class LakeError(PitlakeError):
    """A Delta table cannot be read or written as it should be."""


class QueryError(PitlakeError):
    """A SQL statement that is refused, or that fails."""


class FlowError(PitlakeError):
    """A running flow stopped."""


class ExpectationViolationError(FlowError):
    """A flow met a row that one of its failing expectations refuses; started again, it meets the row again."""
