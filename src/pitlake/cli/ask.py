"""Asking the lake: `pitlake sql` and `pitlake check`."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

import orjson
import pyarrow as pa
from rich.console import Console

from pitlake.cli.lists import print_finding
from pitlake.cli.parts import bootstrap_of
from pitlake.cli.settings import Settings
from pitlake.cli.tables import present_tables
from pitlake.errors import QueryError
from pitlake.ingest.tables import declare_landing_table, landing_tables
from pitlake.lake.catalog import list_tables
from pitlake.lake.rendering import Format, format_result
from pitlake.lake.sql import full_name, query
from pitlake.lake.statements import CreateTable, parse
from pitlake.mining.validation import VALIDATION_QUERIES, ValidationQuery, Verdict


def run_sql(settings: Settings, statement: str, output: Format) -> str:
    """The answer to one statement, as text. Raises QueryError, and BrokerError when a landing table is made and no Kafka runs."""
    match parse(statement):
        case CreateTable() as create:
            answer = _create(settings, create)
        case _:
            answer = query(settings.lake_url, statement, catalog=settings.catalog, schema=settings.schema_)
    return format_result(answer, output, width=shutil.get_terminal_size((120, 24)).columns).rstrip("\n")


def _create(settings: Settings, create: CreateTable) -> pa.Table:
    name = full_name(create.table, settings.catalog, settings.schema_)
    bootstrap = bootstrap_of(settings)
    if name in list_tables(settings.lake_url):
        raise QueryError(f"There is a table {name} already, which a pipeline writes.", do="Choose another name.")
    if str(name) in landing_tables(bootstrap) and not create.may_exist:
        raise QueryError(
            f"There is a landing table {name} already.", do="Write CREATE TABLE IF NOT EXISTS, or choose another name."
        )
    table = declare_landing_table(bootstrap, str(name))
    return pa.table({"landing_table": [table.name], "topic": [table.topic]})


@dataclass(frozen=True)
class Checked:
    """A validation query with its verdict."""

    query: ValidationQuery
    verdict: Verdict


def run_check(settings: Settings) -> list[Checked]:
    """Every validation query against the lake, with its verdict; a query that cannot run has failed.

    Raises LakeError when the lake holds no tables.
    """
    present_tables(settings)
    return [Checked(item, _verdict(settings, item)) for item in VALIDATION_QUERIES]


def _verdict(settings: Settings, item: ValidationQuery) -> Verdict:
    try:
        answer = query(settings.lake_url, item.sql, catalog=settings.catalog, schema=settings.schema_)
    except QueryError as error:
        return Verdict(ok=False, reason=error.what)
    return item.judge(answer.to_pylist())


def print_checks(checks: list[Checked], console: Console) -> None:
    """Per query whether it passed, what it reads and what it saw; at the end how many passed."""
    for check in checks:
        name = f"{check.query.name} ({check.query.reads})"
        print_finding(console, ok=check.verdict.ok, name=name, what=check.verdict.reason)
    passed = sum(check.verdict.ok for check in checks)
    console.print(f"{passed} of {len(checks)} queries passed", highlight=False)


def checks_as_json(checks: list[Checked]) -> str:
    """The verdicts for programs: a list of `{name, reads, ok, reason, sql}`."""
    rows = [
        {"name": c.query.name, "reads": c.query.reads, "ok": c.verdict.ok, "reason": c.verdict.reason, "sql": c.query.sql}
        for c in checks
    ]
    return orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode()
