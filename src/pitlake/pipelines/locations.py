"""Where in the user's files something stands: a definition, a call, the line that raised."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import Location

_LANGUAGE = __name__.rpartition(".")[0]


def function_location(function: Callable[..., object]) -> Location:
    """Where a function stands, its first decorator included; a wrapper that says what it wraps is looked through."""
    code = inspect.unwrap(function).__code__
    return Location(code.co_filename, code.co_firstlineno)


def caller_location() -> Location:
    """The nearest line outside this room: where a pipeline file calls into the language."""
    frame = sys._getframe(1)  # noqa: SLF001  (the only way to a caller's line without building a whole stack)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_LANGUAGE):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)


def reached_location(start: Location) -> Location:
    """The line of `start`'s file that is being executed now; `start` itself when none is."""
    frame = sys._getframe(1)  # noqa: SLF001
    while frame.f_back is not None and frame.f_code.co_filename != start.file:
        frame = frame.f_back
    return replace(start, line=frame.f_lineno) if frame.f_code.co_filename == start.file else start


def raised_location(error: BaseException, start: Location) -> Location:
    """The last line of `start`'s file that an error came through; `start` itself when it came through none of them.

    A syntax error has a place of its own, in whichever file it is.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return Location(error.filename, error.lineno)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == start.file]
    return replace(start, line=lines[-1] or start.line) if lines else start


def error_at(location: Location, what: str, do: str) -> DefinitionError:
    """The error that says `what` is wrong at a place, and what to `do` about it."""
    return DefinitionError(what, do=do, file=location.file, line=location.line)
