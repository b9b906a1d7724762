"""The command `pitlake` and its subcommands: their options, and what each one calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from pitlake import __version__
from pitlake.cli.durations import seconds
from pitlake.cli.errors import DEBUG, FAILED, Commands
from pitlake.engine.options import Mode as EngineMode

if TYPE_CHECKING:
    from pitlake.cli.settings import Settings

app = typer.Typer(name="pitlake", cls=Commands, rich_markup_mode="rich", pretty_exceptions_enable=False)

Home = Annotated[
    Path | None, typer.Option("--home", help="Folder that holds broker log, checkpoints and lake; .pitlake unless PITLAKE_HOME.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Format = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How rows are printed.")]
Files = Annotated[list[Path], typer.Argument(help="Pipeline files, or folders of them.", exists=True)]
Duration = Annotated[
    float | None,
    typer.Option("--for", parser=seconds, metavar="TIME", help="Stop after this long, such as 90s, 3m or 1h; else at Ctrl-C."),
]


def _story_names() -> list[str]:
    """What the shell completes."""
    from pitlake.mining.simulator import StoryName

    return list(StoryName)


Stories = Annotated[
    list[str] | None,
    typer.Option(
        "--story",
        metavar="NAME[@SECONDS]",
        autocompletion=_story_names,
        help="Fault to play, at once or SECONDS later: bearing-wear, cooling-loss, belt-drift, flat-line, "
        "drop-out, clock-skew, duplicates or bad-payloads. "
        "May be given several times.",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the simulated mine: the same seed, the same readings.")]
Mode = Annotated[
    EngineMode | None,
    typer.Option(
        "--mode",
        help="How flows run: in real time unless PITLAKE_MODE, or every two seconds, on the same checkpoints.",
        show_default=False,
    ),
]
Ledger = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write down every reading that the simulator sent, as JSON lines.")
]


Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="At the end, tell the run in this file: one HTML page."),
]


def settings(home: Path | None, mode: Mode = None) -> Settings:
    """The settings of this run: an option given wins over the environment."""
    from pitlake.cli.settings import Settings

    given: dict[str, Any] = {"home": home, "mode": mode}
    return Settings(**{name: value for name, value in given.items() if value is not None})


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    home: Home = None,
    *,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the trace of an error, not only what to do.")] = False,  # noqa: ARG001
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """A real-time lakehouse: declarative pipelines in Spark's real-time mode, into Delta, exactly once.

    [bold]The whole mine on this machine, with a fault to look at:[/bold]
      pitlake demo --for 5m --story bearing-wear

    [bold]Ask it, from another terminal:[/bold]
      pitlake status --watch
      pitlake sql "SELECT * FROM equipment_current_status LIMIT 5"
      pitlake check

    [bold]A pipeline of your own:[/bold]
      pitlake validate my_pipeline.py
      pitlake run my_pipeline.py

    --home and --debug may stand before a command or after it. Exit codes: 0 done, 1 failed, 2 wrong use.
    pitlake --install-completion teaches your shell to complete all this with the Tab key.
    """
    if version:
        typer.echo(f"pitlake {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)
        raise typer.Exit
    if home is not None:
        context.default_map = {context.invoked_subcommand: {"home": home}}


@app.command()
def demo(
    home: Home = None,
    duration: Duration = None,
    story: Stories = None,
    seed: Seed = 1,
    ledger: Ledger = None,
    mode: Mode = None,
    report: Report = None,
) -> None:
    """Run the whole mine on this machine: broker, endpoint, pipeline, Delta writer, simulator.

    Ctrl-C ends all of it; the tables stay. Meanwhile, from another terminal:

      pitlake sql "SELECT * FROM equipment_current_status"

    A run to show: pitlake demo --for 5m --story bearing-wear --report report.html
    """
    from pitlake.cli.demo import DemoConfig, run_demo

    stories = tuple(story or ())
    run_demo(DemoConfig(settings(home, mode), seconds=duration, stories=stories, seed=seed, ledger=ledger, report=report))


@app.command()
def up(home: Home = None, mode: Mode = None, report: Report = None) -> None:
    """Run the system without the simulator: broker, endpoint, pipeline, Delta writer. It waits for readings until Ctrl-C.

    With PITLAKE_KAFKA it uses that Kafka, and starts no broker. Readings come from clients of the endpoint, such as

      pitlake simulate
    """
    from pitlake.cli.live import watch_mine

    watch_mine(settings(home, mode), report=report)


@app.command()
def run(files: Files, home: Home = None, mode: Mode = None) -> None:
    """Run pipeline files until stopped, in real-time mode unless asked for another.

    They read and write the Kafka of PITLAKE_KAFKA, or the one that runs on the home. A writer must run too: pitlake write. Beside
    `pitlake demo` or `pitlake up` both are there:

      pitlake run my_pipeline.py
    """
    from pitlake.cli.pipeline import run_pipeline

    run_pipeline(settings(home, mode), tuple(files))


@app.command()
def validate(
    files: Files,
    home: Home = None,
    *,
    landing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOPIC", help="Landing topic that may be read, in place of those of the broker. May be given again."
        ),
    ] = None,
    as_json: Json = False,
    as_mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the graph as Mermaid, for Markdown.")] = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw the graph into this file, as SVG.")] = None,
) -> None:
    """Load and plan pipeline files, and start nothing: tables, keys, expectations, who reads whom.

    Tables that the files only read are looked up in the lake. A definition that cannot run is exit code 2, with file and line.

      pitlake validate my_pipeline.py --landing mining_ot_stream --svg graph.svg
    """
    from pitlake.cli.files import write_text
    from pitlake.cli.graph import graph_as_svg
    from pitlake.cli.outline import graph_as_mermaid, outline_as_json, print_outline
    from pitlake.cli.validate import validate

    result = validate(settings(home), files, landing or ())
    if svg is not None:
        write_text(svg, graph_as_svg(result.graph))
        Console(stderr=True).print(f"The graph is in {svg}.")
    if as_json or as_mermaid:
        typer.echo(outline_as_json(result) if as_json else graph_as_mermaid(result.graph))
    else:
        print_outline(result, Console())


@app.command()
def write(home: Home = None) -> None:
    """Run the Delta writer until stopped: every table's topic into its Delta table, exactly once."""
    from pitlake.cli.writer import run_lake_writer

    run_lake_writer(settings(home))


@app.command()
def serve(
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; this machine alone unless PITLAKE_INGEST_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the gRPC streams; a free one, kept from start to start.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Port of REST, tokens, health and metrics; likewise.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM file of the TLS certificate.")] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
    *,
    no_tokens: Annotated[bool, typer.Option("--no-tokens", help="Let anyone write who reaches it.")] = False,
    exposed: Annotated[
        bool, typer.Option("--exposed", help="Listen beyond this machine without TLS or tokens all the same.")
    ] = False,
) -> None:
    """Run the endpoint to which clients of Databricks Zerobus Ingest send, until stopped. See docs/ingest.md.

    pitlake serve --port 8090 --http-port 8091
    """
    from pitlake.cli.endpoint import run_ingest
    from pitlake.cli.settings import EndpointSettings

    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "http_port": http_port,
        "certificate": certificate,
        "certificate_key": certificate_key,
        "tokens": False if no_tokens else None,
        "exposed": exposed or None,
    }
    chosen = EndpointSettings(**{name: value for name, value in given.items() if value is not None})
    run_ingest(settings(home), chosen)


@app.command()
def client(
    name: Annotated[str, typer.Argument(help="Id of the client.")],
    table: Annotated[
        list[str],
        typer.Option(help="Landing table that it may write to, or `catalog.schema.*`. May be given again."),
    ],
    home: Home = None,
) -> None:
    """Give a client of the endpoint a secret, which is printed this once, and the tables that it may write to.

    pitlake client crusher-gateway --table mining_ot_stream
    """
    from pitlake.cli.clients import add_client

    typer.echo(add_client(settings(home), name, table))


@app.command()
def simulate(home: Home = None, duration: Duration = None, story: Stories = None, seed: Seed = 1, ledger: Ledger = None) -> None:
    """Send the readings of the simulated mine to the endpoint, until stopped.

    pitlake simulate --story bearing-wear@60 --for 10m
    """
    from pitlake.cli.simulate import run_mine_simulator

    run_mine_simulator(settings(home), limit=duration, stories=tuple(story or ()), seed=seed, ledger=ledger)


@app.command()
def sql(
    statement: Annotated[
        str | None, typer.Argument(help="A query in Databricks SQL; read from standard input when left out.")
    ] = None,
    home: Home = None,
    output: Format = "table",
) -> None:
    """Ask the lake a question in Databricks SQL; names may leave out catalog and schema. It reads, and makes landing tables.

    pitlake sql "SHOW TABLES"
    pitlake sql "SELECT * FROM equipment_performance_1min LIMIT 5" --format csv
    pitlake sql "CREATE TABLE weather_station"
    pitlake sql < question.sql
    """
    from pitlake.cli.ask import run_sql

    typer.echo(run_sql(settings(home), _typed_statement() if statement is None else statement, output))


def _typed_statement() -> str:
    if sys.stdin.isatty():
        typer.echo("Type a statement, then Ctrl-D on a line of its own.", err=True)
    return sys.stdin.read()


@app.command()
def check(home: Home = None, *, as_json: Json = False) -> None:
    """Run the mine's validation queries against the lake; exit code 1 when one of them fails.

    Where a simulator has run on the home, also how its faults were predicted, and how many alarms were false.
    """
    from pitlake.cli.alarms import alarm_score, print_alarms
    from pitlake.cli.ask import checks_as_json, print_checks, run_check

    chosen = settings(home)
    checks = run_check(chosen)
    if as_json:
        typer.echo(checks_as_json(checks))
    else:
        print_checks(checks, Console())
        if found := alarm_score(chosen):
            print_alarms(found, Console())
    if not all(item.verdict.ok for item in checks):
        raise typer.Exit(FAILED)


@app.command()
def status(
    home: Home = None,
    *,
    stages: Annotated[bool, typer.Option("--stages", help="Also how long each stage of a row's way into Delta took.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show how the tables stand: rows, freshness, latencies, and how many rows met each expectation.

    All of it is read from the lake, so nothing needs to run. JSON has every stage; with --watch it is a line each time.
    """
    from pitlake.cli.status import run_status

    run_status(settings(home), stages=stages, as_json=as_json, watch=watch)


@app.command()
def doctor(home: Home = None, *, as_json: Json = False) -> None:
    """Look for what this machine lacks: Java, jars, disk, memory. Exit code 1 when something is wrong; changes nothing."""
    from pitlake.cli.doctor import findings_as_json, print_findings
    from pitlake.local.doctor import examine

    findings = examine(settings(home).home)
    if as_json:
        typer.echo(findings_as_json(findings))
    else:
        print_findings(findings, Console())
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


def main() -> None:
    """Entry point of the command."""
    app()
