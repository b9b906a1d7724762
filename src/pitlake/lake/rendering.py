"""A query's answer as text: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import base64
import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import orjson
import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

Format: TypeAlias = Literal["table", "json", "csv"]

_JSON = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
_NARROWEST_COLUMN = 12


def format_result(answer: pa.Table, format: Format, *, width: int = 120) -> str:  # noqa: A002 (the option's name)
    """`answer` as text that ends with a line break.

    - table: columns for a terminal of `width` characters, or one block a row where so many columns would not fit;
    - json: one array of an object a row; timestamps in ISO 8601 (UTC as `Z`), decimals exact, binary in base64, NaN as null;
    - csv: a header and a record a row as in RFC 4180 (so lines end with CR LF), NULL empty, nested values as JSON.
    """
    match format:
        case "json":
            return _json(answer)
        case "csv":
            return _csv(answer)
        case "table":
            return _table(answer, width)


def _json(answer: pa.Table) -> str:
    rows = [dict(zip(answer.column_names, row, strict=True)) for row in _rows(answer)]
    return orjson.dumps(rows, default=_plain, option=_JSON | orjson.OPT_APPEND_NEWLINE).decode()


def _csv(answer: pa.Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(answer.column_names)
    writer.writerows(["" if value is None else _text(value) for value in row] for row in _rows(answer))
    return text.getvalue()


def _table(answer: pa.Table, width: int) -> str:
    fits = answer.num_columns * _NARROWEST_COLUMN <= width
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        for part in [_grid(answer)] if fits else _blocks(answer):
            console.print(part)
        console.print(f"{answer.num_rows:,} row{'' if answer.num_rows == 1 else 's'}", highlight=False)
    return capture.get()


def _grid(answer: pa.Table) -> Table:
    grid = Table(box=box.SIMPLE_HEAD)
    for field in answer.schema:
        grid.add_column(Text(field.name), justify="right" if _is_number(field.type) else "left", overflow="fold")
    for row in _rows(answer):
        grid.add_row(*(_cell(value) for value in row))
    return grid


def _blocks(answer: pa.Table) -> Iterator[Table]:
    for number, row in enumerate(_rows(answer), start=1):
        block = Table("column", "value", box=box.SIMPLE, show_header=False, title=f"row {number}", title_justify="left")
        for name, value in zip(answer.column_names, row, strict=True):
            block.add_row(Text(name), _cell(value))
        yield block


def _rows(answer: pa.Table) -> Iterator[tuple[Any, ...]]:
    columns = [column.to_pylist(maps_as_pydicts="lossy") for column in answer.columns]
    return zip(*columns, strict=True)


def _cell(value: object) -> Text:
    return Text("NULL", style="dim") if value is None else Text(_text(value))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return str(value)
    return orjson.dumps(value, default=_plain, option=_JSON).decode().strip('"')


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return orjson.Fragment(str(value))
        case bytes():
            return base64.b64encode(value).decode()
        case timedelta():
            return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
