"""How a command fails: one line of what happened, one of what to do, and the exit code that tells whose fault it was."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from pitlake.errors import ConfigurationError, DefinitionError, PitlakeError, QueryError

FAILED = 1
WRONG_USE = 2

DEBUG = "--debug"
_MARGIN = 6


@dataclass(frozen=True)
class Failure:
    """What is said of an error: `what` happened (further lines belong to the first), what to `do`, and the exit code."""

    what: str
    do: str
    code: int = FAILED


class Commands(TyperGroup):
    """The commands. An error that ends one is shown in two lines, after its trace where `--debug` is among the arguments."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        """Run the command that `args` name, by default the process's own, and exit."""
        given, debug = _without_debug(sys.argv[1:] if args is None else args)
        try:
            result = super().main(given, *rest, **{**settings, "standalone_mode": False})
        except typer.TyperException as error:
            failure = self._misuse(error, given)
        except Exception as error:  # noqa: BLE001  (what is not foreseen is reported as such)
            if debug:
                traceback.print_exc()
            failure = failure_of(error)
        else:
            sys.exit(result or 0)
        show(failure)
        sys.exit(failure.code)

    def _misuse(self, error: typer.TyperException, args: Sequence[str]) -> Failure:
        """What to say of a wrong use: with the help of the option or argument that it is about, and where to read more."""
        name = next((arg for arg in args if arg in self.commands), None)
        command, path = (self.commands[name], f"{self.name} {name}") if name else (self, self.name)
        more = f"See `{path} --help`."
        if near := getattr(error, "possibilities", None):
            return Failure(error.message, f"Did you mean {' or '.join(sorted(near))}? {more}", WRONG_USE)
        option = getattr(error, "option_name", None)
        about = getattr(error, "param", None) or next((param for param in command.params if option in param.opts), None)
        text = (getattr(about, "help", None) or "").rstrip(".")
        return Failure(error.format_message().rstrip("."), f"{text}. {more}" if text else more, WRONG_USE)


def failure_of(error: Exception) -> Failure:
    """What to say of an error; of one that nobody foresaw, that it is a fault of pitlake."""
    match error:
        case ConfigurationError() | DefinitionError() | QueryError():
            return Failure(error.what, error.do, WRONG_USE)
        case PitlakeError():
            return Failure(error.what, error.do)
    reason = str(error).strip().partition("\n")[0]
    return Failure(
        f"{type(error).__name__}: {reason}", f"This is a fault of pitlake: run it again with {DEBUG}, report the trace."
    )


def show(failure: Failure) -> None:
    """Print a failure on standard error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text.assemble(("error", "bold red"), " ", _indented(failure.what)))
    console.print(Text.assemble(("   do", "dim"), " ", _indented(failure.do)))


def _without_debug(args: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, which may stand before a command or after it, and whether it was there."""
    end = args.index("--") if "--" in args else len(args)
    return [arg for place, arg in enumerate(args) if arg != DEBUG or place > end], DEBUG in args[:end]


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * _MARGIN)
