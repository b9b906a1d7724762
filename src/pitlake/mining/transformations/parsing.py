"""Reading what a machine sent, without ever failing: text that is not what it should be becomes NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column

FIELDS = "MAP<STRING,STRING>"

_FAULTY = "_faulty"

_INSTANT = r"^(?!9999-12-31.*-\d{2}:)[1-9]\d{3}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?\z"
_FIRST_MICROSECOND = 10**15
_LAST_MICROSECOND = 253_402_300_799_999_999
_JSON_NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\z"
_NOT_FINITE = r'(?i)^"?[+-]?(nan|inf|infinity)"?\z'


def json_fields(text: Column) -> Column:
    """The fields of a JSON object as `MAP<STRING,STRING>`, inner objects as JSON text; NULL for anything but an object."""
    return F.from_json(text, FIELDS, {"mode": "PERMISSIVE"})


def json_struct(text: Column, schema: str) -> Column:
    """The fields of a JSON object that `schema` names, in one pass. A field that is not of its type is NULL, its neighbours not.

    Of text that breaks off, the struct holds what stands before the break: ask `unbroken` of it.
    """
    return F.from_json(text, f"{schema}, {_FAULTY} STRING", {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _FAULTY})


def unbroken(struct: Column, text: Column) -> Column:
    """The column that `json_struct` has made of `text`; NULL where the text is no object, or not all of one.

    Where Spark found a fault, a field not of its type or a break, the text is read once more to tell which.
    """
    return F.when(struct[_FAULTY].isNull() | json_fields(text).isNotNull(), struct)


def instant(text: Column) -> Column:
    """An ISO 8601 timestamp of the years 1000 to 9999 as TIMESTAMP; without an offset it is in the session's time zone.

    The last day of 9999 is taken without an offset to the west only: its instant could lie in a year that cannot be stored.
    """
    return F.when(text.rlike(_INSTANT), text).try_cast("TIMESTAMP")


def microseconds(text: Column) -> Column:
    """Microseconds since the epoch as TIMESTAMP, as Zerobus has them; NULL before 2001: milliseconds look like that."""
    number = text.try_cast("BIGINT")
    return F.when(number.between(_FIRST_MICROSECOND, _LAST_MICROSECOND), F.timestamp_micros(number))


def finite_number(text: Column) -> Column:
    """A number in JSON's spelling as DOUBLE; NULL for anything else, and for one too large to be finite."""
    number = F.when(text.rlike(_JSON_NUMBER), text).try_cast("DOUBLE")
    return F.when(F.abs(number) < F.lit(float("inf")), number)


def is_not_finite(text: Column) -> Column:
    """Whether the text is one of the spellings of NaN or infinity; Spark gives a bare one in quotes."""
    return text.rlike(_NOT_FINITE)


def unplaced(fields: Column, placed: Mapping[str, Column]) -> Column:
    """The fields that found no column, as `MAP<STRING,STRING>`; NULL when there are none.

    `placed` says for each known field in which column it went: one that is not NULL while its column is was not understood.
    """

    def found_no_column(name: Column, value: Column) -> Column:
        understood = F.lit(col=False)
        for known, column in placed.items():
            understood = F.when(name == known, column.isNotNull()).otherwise(understood)
        return value.isNotNull() & ~understood

    return non_empty(F.map_filter(fields, found_no_column))


def non_empty(fields: Column) -> Column:
    """The map itself; NULL when it is empty."""
    return F.when(F.size(fields) > 0, fields)


def seconds_between(earlier: Column, later: Column) -> Column:
    """The time from one TIMESTAMP to another in fractional seconds, DOUBLE."""
    return (F.unix_micros(later) - F.unix_micros(earlier)) / F.lit(1_000_000)
