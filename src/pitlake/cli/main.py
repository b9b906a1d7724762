"""The command `pitlake`: its subcommands, and how their errors are shown."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from pitlake import __version__
from pitlake.cli.durations import seconds
from pitlake.cli.settings import Settings
from pitlake.errors import ConfigurationError, DefinitionError, PitlakeError, QueryError

CHECK_FAILED = 1
WRONG_USE = 2

app = typer.Typer(
    name="pitlake",
    help="A real-time lakehouse: declarative pipelines in Spark's real-time mode, into Delta, exactly once.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Home = Annotated[
    Path | None, typer.Option("--home", help="Folder that holds broker log, checkpoints and lake.  [default: .pitlake]")
]
Format = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How rows are printed.")]


def settings(home: Path | None = None) -> Settings:
    """The settings of this run: an option given wins over the environment."""
    return Settings() if home is None else Settings(home=home)


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace of an error, not only what to do.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options of every command."""
    _Errors.debug = debug
    if version:
        typer.echo(f"pitlake {__version__}")
        raise typer.Exit


@app.command()
def demo(
    home: Home = None,
    duration: Annotated[
        str | None, typer.Option("--for", help="Stop by itself after this long, such as 3m.  [default: until Ctrl-C]")
    ] = None,
    story: Annotated[list[str] | None, typer.Option("--story", help="Fault story to play; may be given several times.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated mine.")] = 1,
    ledger: Annotated[Path | None, typer.Option(help="Write down every reading that the simulator sent (JSON lines).")] = None,
) -> None:
    """Run the whole mine on this machine: broker, pipeline, Delta writer, simulator. Ctrl-C ends all of it.

    Then ask it, from another terminal:  [bold]pitlake sql "SELECT * FROM equipment_current_status"[/bold]
    """
    from pitlake.cli.demo import DemoConfig, run_demo

    limit = seconds(duration) if duration else None
    run_demo(DemoConfig(settings=settings(home), seconds=limit, stories=tuple(story or ()), seed=seed, ledger=ledger))


@app.command()
def sql(
    statement: Annotated[
        str | None, typer.Argument(help="A query in Databricks SQL; read from standard input when left out.")
    ] = None,
    home: Home = None,
    output: Format = "table",
) -> None:
    """Ask the lake a question in Databricks SQL. Read-only; names may leave out catalog and schema.

    Example:  [bold]pitlake sql "SELECT * FROM equipment_performance_1min ORDER BY window_start DESC LIMIT 5"[/bold]
    """
    from pitlake.cli.ask import run_sql

    typer.echo(run_sql(settings(home), statement if statement is not None else sys.stdin.read(), output))


@app.command()
def check(
    home: Home = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Run the validation queries against the lake; exit code 1 when one of them fails."""
    from pitlake.cli.ask import checks_as_json, print_checks, run_check

    checks = run_check(settings(home))
    if as_json:
        typer.echo(checks_as_json(checks))
    else:
        print_checks(checks, Console())
    if not all(item.verdict.ok for item in checks):
        raise typer.Exit(CHECK_FAILED)


@app.command()
def run(
    files: Annotated[list[Path], typer.Argument(help="Pipeline files, or folders of them.", exists=True)],
    home: Home = None,
) -> None:
    """Run pipeline files in real-time mode against the broker of this home (or PITLAKE_KAFKA), until stopped."""
    from pitlake.cli.parts import run_pipeline

    run_pipeline(settings(home), tuple(files))


@app.command()
def write(home: Home = None) -> None:
    """Run the Delta writer: every table's topic into its Delta table, exactly once, until stopped."""
    from pitlake.cli.parts import run_lake_writer

    run_lake_writer(settings(home))


@app.command()
def simulate(
    home: Home = None,
    duration: Annotated[str | None, typer.Option("--for", help="Stop by itself after this long, such as 3m.")] = None,
    story: Annotated[list[str] | None, typer.Option("--story", help="Fault story to play; may be given several times.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated mine.")] = 1,
    ledger: Annotated[Path | None, typer.Option(help="Write down every reading sent (JSON lines).")] = None,
) -> None:
    """Send the readings of the simulated mine to the landing topic, until stopped."""
    from pitlake.cli.parts import run_mine_simulator

    limit = seconds(duration) if duration else None
    run_mine_simulator(settings(home), limit=limit, stories=tuple(story or ()), seed=seed, ledger=ledger)


class _Errors:
    debug = False


def main() -> None:
    """Entry point: an error that pitlake foresees is two lines, what happened and what to do."""
    console = Console(stderr=True, soft_wrap=True)
    try:
        app()
    except PitlakeError as error:
        if _Errors.debug:
            traceback.print_exc()
        console.print(f"[bold red]error[/bold red] {_escape(error.what)}", highlight=False)
        console.print(f"[dim]   do[/dim] {_escape(error.do)}", highlight=False)
        sys.exit(WRONG_USE if isinstance(error, (ConfigurationError, DefinitionError, QueryError)) else CHECK_FAILED)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
