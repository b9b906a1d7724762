"""A JSON value as a value of a declared type, strictly: one row at a time, for the rows that Arrow's reader cannot take."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import pyarrow as pa

Convert = Callable[[Any], Any]

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def parse_row(text: bytes) -> dict[str, Any]:
    """The JSON object that `text` is, its decimal fractions exact. Raises ValueError."""
    row = json.loads(text, parse_float=Decimal)
    if not isinstance(row, dict):
        raise ValueError("the record is no JSON object")  # noqa: TRY004 - a fault of the data, not of the program
    return row


def value_of(value: object, kind: pa.DataType) -> object:
    """`value` as what `pa.array(…, kind)` takes; None stays None. Raises ValueError when it is no value of that type."""
    return None if value is None else _converter(kind)(value)


@cache
def _converter(kind: pa.DataType) -> Convert:
    for fits, converter in _CONVERTERS:
        if fits(kind):
            return converter(kind)
    raise ValueError(f"no JSON value is a {kind}")


def _is(value: object, *classes: type) -> bool:
    return isinstance(value, classes) and (bool in classes or not isinstance(value, bool))


def _checked(value: object, kind: pa.DataType, *classes: type) -> Any:
    if not _is(value, *classes):
        raise ValueError(f"{_shown(value)} is no {kind}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _same(*classes: type) -> Callable[[pa.DataType], Convert]:
    return lambda kind: lambda value: _checked(value, kind, *classes)


def _string(kind: pa.DataType) -> Convert:
    def convert(value: object) -> str:
        text: str = _checked(value, kind, str)
        text.encode()  # half of a surrogate pair is JSON, and no text
        return text

    return convert


def _integer(kind: pa.DataType) -> Convert:
    bound = 2 ** (kind.bit_width - 1)

    def convert(value: object) -> int:
        number: int = _checked(value, kind, int)
        if not -bound <= number < bound:
            raise ValueError(f"{number} is out of the range of {kind}")
        return number

    return convert


def _float(kind: pa.DataType) -> Convert:
    def convert(value: object) -> float:
        if isinstance(value, str) and value in _NOT_FINITE:
            return _NOT_FINITE[value]
        return float(_checked(value, kind, int, float, Decimal))

    return convert


def _decimal(kind: pa.DataType) -> Convert:
    def convert(value: object) -> Decimal:
        number = Decimal(_checked(value, kind, int, Decimal)).quantize(Decimal(1).scaleb(-kind.scale))
        if len(number.as_tuple().digits) > kind.precision:
            raise ValueError(f"{number} is out of the range of {kind}")
        return number

    return convert


def _timestamp(kind: pa.DataType) -> Convert:
    def convert(value: object) -> datetime:
        moment = datetime.fromisoformat(_checked(value, kind, str))
        if kind.tz is None:
            return moment.replace(tzinfo=None)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    return convert


def _date(kind: pa.DataType) -> Convert:
    return lambda value: date.fromisoformat(_checked(value, kind, str))


def _binary(kind: pa.DataType) -> Convert:
    return lambda value: base64.b64decode(_checked(value, kind, str), validate=True)


def _list(kind: pa.DataType) -> Convert:
    return lambda value: [value_of(element, kind.value_type) for element in _checked(value, kind, list)]


def _struct(kind: pa.DataType) -> Convert:
    def convert(value: object) -> dict[str, object]:
        fields = _checked(value, kind, dict)
        return {field.name: _required(value_of(fields.get(field.name), field.type), field) for field in kind}

    return convert


def _map(kind: pa.DataType) -> Convert:
    entry = pa.struct([pa.field("key", kind.key_type, nullable=False), pa.field("value", kind.item_type)])
    entry_of = _struct(entry)

    def convert(value: object) -> list[tuple[object, object]]:
        entries = [entry_of(element) for element in _checked(value, kind, list)]
        return [(pair["key"], pair["value"]) for pair in entries]

    return convert


def _required(value: object, field: pa.Field) -> object:
    if value is None and not field.nullable:
        raise ValueError(f"{field.name} is NULL")
    return value


_CONVERTERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], Convert]], ...] = (
    (pa.types.is_string, _string),
    (pa.types.is_boolean, _same(bool)),
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, _float),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_date, _date),
    (pa.types.is_binary, _binary),
    (pa.types.is_map, _map),
    (pa.types.is_list, _list),
    (pa.types.is_struct, _struct),
)
