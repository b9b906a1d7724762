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
INTERRUPTED = 130

DEBUG = "--debug"
_MARGIN = 6


@dataclass(frozen=True)
class Failure:
    """What is said of an error: `what` happened (further lines belong to the first), what to `do`, and the exit code."""

    what: str
    do: str
    code: int = FAILED


class Commands(TyperGroup):
    """The commands; each error that ends one is shown in two lines, with its trace where `--debug` stands anywhere among the arguments."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        """Run the command that `args` name, by default the process's own, and exit."""
        given, debug = _without_debug(sys.argv[1:] if args is None else args)
        settings["standalone_mode"] = False
        try:
            result = super().main(given, *rest, **settings)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (what is not foreseen is reported as such)
            failure = failure_of(error)
            show(failure, error if debug else None)
            sys.exit(failure.code)
        sys.exit(result if isinstance(result, int) else 0)


def failure_of(error: BaseException) -> Failure:
    """What to say of an error; of one that nobody foresaw, that it is a fault of pitlake."""
    match error:
        case typer.Abort() | KeyboardInterrupt():
            return Failure("interrupted", "Nothing is left running; start it again when you like.", INTERRUPTED)
        case typer.TyperException():
            return Failure(*_usage(error), WRONG_USE)
        case ConfigurationError() | DefinitionError() | QueryError():
            return Failure(error.what, error.do, WRONG_USE)
        case PitlakeError():
            return Failure(error.what, error.do)
    first = str(error).strip().partition("\n")[0]
    return Failure(f"{type(error).__name__}: {first}", f"This is a fault of pitlake; run it again with {DEBUG} and report the trace.")


def show(failure: Failure, traced: BaseException | None = None) -> None:
    """Print a failure on standard error, after the trace of the error if it is given."""
    if traced is not None:
        traceback.print_exception(traced)
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text.assemble(("error", "bold red"), " ", _indented(failure.what)))
    console.print(Text.assemble(("   do", "dim"), " ", _indented(failure.do)))


def _without_debug(args: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, which may stand before a command or after it, and whether it was there."""
    end = args.index("--") if "--" in args else len(args)
    return [arg for place, arg in enumerate(args) if arg != DEBUG or place > end], DEBUG in args[:end]


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * _MARGIN)


def _usage(error: typer.TyperException) -> tuple[str, str]:
    """What a wrong use is, with the help of the option or argument that it is about."""
    context = getattr(error, "ctx", None)
    if context is None:
        return error.format_message(), "See `pitlake --help`."
    near = getattr(error, "possibilities", None) or ()
    hints = [f"Did you mean {' or '.join(sorted(near))}?"] if near else [h for h in [_help(error, context)] if h]
    what = error.message if near else error.format_message()
    return what.rstrip("."), " ".join([*hints, f"See `{context.command_path} --help`."])


def _help(error: typer.TyperException, context: typer.Context) -> str:
    """The help text of the parameter that an error is about, empty where it is about none."""
    option = getattr(error, "option_name", None)
    options = (param for param in context.command.params if option in param.opts)
    param = getattr(error, "param", None) or next(options, None)
    text: str = getattr(param, "help", None) or ""
    return f"{text.rstrip('.')}." if text else ""
