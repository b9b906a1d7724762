"""The Genie space over the gold tables, in the form in which Databricks carries one: `serialized_space`, version 2.

Which tables it has, and what is said of them and their columns, follows from the pipeline file and the site data. Ids are made of
what they stand for, so that deploying again changes nothing that has not changed. Lists are sorted as the format asks.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pitlake.mining.databricks.definitions import stored_tables
from pitlake.mining.databricks.questions import EXAMPLES, HIDDEN, MATCHED, ROUTES, RULES, SAMPLE_QUESTIONS, SYNONYMS
from pitlake.mining.dimensions import DIMENSIONS
from pitlake.pipelines.schemas import parse_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pitlake.pipelines.definitions import Dataset, Pipeline

MAX_TABLES = 30
JOINED_DIMENSIONS = {"equipment_master": ("equipment_id",), "sensor_definitions": ("equipment_type", "sensor_name")}

_MANY_TO_ONE = "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"


@dataclass(frozen=True)
class SpaceTable:
    """A table of the space: its comment, and its columns with theirs."""

    name: str
    comment: str
    columns: dict[str, str]


def serialized_space(pipeline: Pipeline, place: str) -> dict[str, Any]:
    """The space over the tables of `place`, `catalog.schema`: those of quality gold, and the dimensions that they are joined to.

    Raises DefinitionError for a schema that cannot be read.
    """
    gold = [_gold_table(dataset) for dataset in stored_tables(pipeline).values() if _is_gold(dataset)]
    tables = {table.name: table for table in (*gold, *_dimension_tables())}
    return {
        "version": 2,
        "config": {"sample_questions": _by_id(_sample(SAMPLE_QUESTIONS[name]) for name in tables if name in SAMPLE_QUESTIONS)},
        "data_sources": {"tables": [_data_source(tables[name], place) for name in sorted(tables)]},
        "instructions": {
            "text_instructions": [_instructions(tables)],
            "example_question_sqls": _by_id(_examples(set(tables), place)),
            "join_specs": _by_id(join for table in gold for join in _joins(table, place)),
        },
    }


def _is_gold(dataset: Dataset) -> bool:
    return dataset.table_properties.get("quality") == "gold"


def _gold_table(dataset: Dataset) -> SpaceTable:
    schema = parse_schema(dataset.schema or "", location=dataset.location)
    return SpaceTable(dataset.name, dataset.comment or "", {column.name: column.comment or "" for column in schema.columns})


def _dimension_tables() -> Iterator[SpaceTable]:
    for dimension in DIMENSIONS:
        if dimension.name in JOINED_DIMENSIONS:
            columns = {field.name: field.metadata[b"comment"].decode() for field in dimension.rows().schema}
            yield SpaceTable(dimension.name, dimension.comment, columns)


def _data_source(table: SpaceTable, place: str) -> dict[str, Any]:
    return {
        "identifier": f"{place}.{table.name}",
        "description": [table.comment],
        "column_configs": [_column(name, table.columns[name]) for name in sorted(table.columns)],
    }


def _column(name: str, comment: str) -> dict[str, Any]:
    if name in HIDDEN:
        return {"column_name": name, "exclude": True}
    synonyms = {"synonyms": list(SYNONYMS[name])} if name in SYNONYMS else {}
    matched = {"enable_entity_matching": True} if name in MATCHED else {}
    return {"column_name": name, "description": [comment], **synonyms, "enable_format_assistance": True, **matched}


def _sample(question: str) -> dict[str, Any]:
    return {"id": _id("sample", question), "question": [question]}


def _instructions(tables: Iterable[str]) -> dict[str, Any]:
    lines = [*(ROUTES[name] for name in ROUTES if name in tables), *RULES]
    return {"id": _id("instructions", ""), "content": [f"{line}\n" for line in lines]}


def _examples(tables: set[str], place: str) -> Iterator[dict[str, Any]]:
    for example in EXAMPLES:
        if example.tables <= tables:
            yield {
                "id": _id("example", example.question),
                "question": [example.question],
                "sql": example.statement(place).splitlines(keepends=True),
                "usage_guidance": [example.guidance],
            }


def _joins(table: SpaceTable, place: str) -> Iterator[dict[str, Any]]:
    for dimension, keys in JOINED_DIMENSIONS.items():
        if set(keys) <= set(table.columns):
            condition = " AND ".join(f"`{table.name}`.`{key}` = `{dimension}`.`{key}`" for key in keys)
            yield {
                "id": _id("join", f"{table.name} {dimension}"),
                "left": {"identifier": f"{place}.{table.name}", "alias": table.name},
                "right": {"identifier": f"{place}.{dimension}", "alias": dimension},
                "sql": [condition, _MANY_TO_ONE],
            }


def _by_id(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: str(item["id"]))


def _id(kind: str, text: str) -> str:
    """32 hexadecimal digits, the same for the same text."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"pitlake:{kind}:{text}").hex
