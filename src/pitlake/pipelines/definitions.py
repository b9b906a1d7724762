"""What a pipeline file defines, as frozen data: datasets, the flows into them, and the expectations on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

QueryFunction = Callable[[], "DataFrame"]


@dataclass(frozen=True)
class Location:
    """Where in a pipeline file a definition stands."""

    file: str
    line: int


class Action(StrEnum):
    """What happens to a row that fails an expectation."""

    WARN = "warn"
    DROP = "drop"
    FAIL = "fail"


@dataclass(frozen=True)
class Expectation:
    """A named SQL condition that each row should meet; a condition that is NULL is not met."""

    name: str
    condition: str
    action: Action


class DatasetKind(StrEnum):
    """What a decorator asked for. A `TABLE` is a streaming table or a materialized view, as its query turns out to read."""

    TABLE = "table"
    STREAMING_TABLE = "streaming_table"
    MATERIALIZED_VIEW = "materialized_view"
    TEMPORARY_VIEW = "temporary_view"


@dataclass(frozen=True)
class Dataset:
    """A table or view that the pipeline defines.

    `name` is bare; `written_as` may say catalog and schema. `schema` is DDL text or a StructType, as it was given.
    """

    name: str
    kind: DatasetKind
    location: Location
    written_as: str = ""
    comment: str | None = None
    schema: str | StructType | None = None
    table_properties: Mapping[str, str] = field(default_factory=dict)
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    partition_cols: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    expectations: tuple[Expectation, ...] = ()


class SinkFormat(StrEnum):
    """The kinds of places outside of a pipeline that its flows can write to."""

    KAFKA = "kafka"
    DELTA = "delta"


@dataclass(frozen=True)
class Sink:
    """A place outside of the pipeline that its flows write to; `options` as they were given."""

    name: str
    format: SinkFormat
    options: Mapping[str, str]
    location: Location


@dataclass(frozen=True)
class Flow:
    """A query whose rows are appended to (or, when it aggregates, upserted into) its target.

    `updates` says that the target is a sink which takes a row again whenever it changes.
    """

    name: str
    target: str
    query: QueryFunction
    location: Location
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None
    updates: bool = False


@dataclass(frozen=True)
class CdcFlow:
    """Change data capture, SCD type 1: the row with the highest `sequence_by` per `keys` stands.

    `delete_when` is SQL or a Column, true for a row that removes its key.
    """

    name: str
    target: str
    source: str
    keys: tuple[str, ...]
    sequence_by: tuple[str, ...]
    location: Location
    delete_when: str | Column | None = None
    columns: tuple[str, ...] | None = None
    except_columns: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Pipeline:
    """All that a set of pipeline files defines, by bare name."""

    datasets: Mapping[str, Dataset]
    flows: tuple[Flow | CdcFlow, ...]
    sinks: Mapping[str, Sink] = field(default_factory=dict)
