"""The Genie space: its form, that it follows the definitions, and that every statement of it is answered by the local lake."""

from __future__ import annotations

import json
import re

import pytest
import sqlglot

from pitlake.lake.sql import query
from pitlake.mining.databricks.definitions import stored_tables
from pitlake.mining.databricks.genie import MAX_TABLES, serialized_space
from pitlake.mining.databricks.questions import EXAMPLES, HIDDEN, MATCHED, ROUTES, SAMPLE_QUESTIONS, SYNONYMS
from pitlake.pipelines.schemas import parse_schema
from tests.mining.databricks.lake import CATALOG, NOW, SCHEMA, build, with_predictions

PLACE = f"{CATALOG}.{SCHEMA}"


@pytest.fixture(scope="module")
def space(pipeline):
    return serialized_space(with_predictions(pipeline), PLACE)


@pytest.fixture(scope="module")
def lake(tmp_path_factory, pipeline):
    lake = str(tmp_path_factory.mktemp("lake"))
    build(lake, with_predictions(pipeline))
    return lake


@pytest.fixture
def ask(lake):
    return lambda statement: query(lake, statement, catalog=CATALOG, schema=SCHEMA, now=NOW).to_pylist()


def tables(space):
    return {table["identifier"].removeprefix(f"{PLACE}."): table for table in space["data_sources"]["tables"]}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.question)
def test_every_example_is_answered_by_the_local_lake(ask, example):
    assert ask(example.statement(PLACE)), "an answer without rows shows nothing"


def test_examples_answer_what_they_are_asked(ask):
    answers = {example.question: ask(example.statement(PLACE)) for example in EXAMPLES}
    assert [row["equipment_id"] for row in answers["Which machines have not reported for five minutes?"]] == ["SL_001"]
    assert [row["state"] for row in answers["What is the state of each crusher right now?"]] == ["RUNNING"] * 3
    assert [row["deviation_score"] for row in answers["What is wrong right now, and what should be done?"]] == [5.5]
    assert [row["tonnes"] for row in answers["How many tonnes did each crusher put through today?"]] == [50.0] * 3


def test_the_space_holds_the_gold_tables_and_their_dimensions(space, pipeline):
    gold = {name for name, table in stored_tables(pipeline).items() if table.table_properties.get("quality") == "gold"}
    assert set(tables(space)) == {*gold, "ml_predictions", "equipment_master", "sensor_definitions"}
    assert len(tables(space)) <= MAX_TABLES


def test_tables_and_columns_carry_the_comments_of_the_pipeline_file(space, pipeline):
    dataset = pipeline.datasets["equipment_current_status"]
    table = tables(space)["equipment_current_status"]
    assert table["description"] == [dataset.comment]
    declared = {column.name: [column.comment] for column in parse_schema(dataset.schema, location=dataset.location).columns}
    assert {c["column_name"]: c.get("description") for c in table["column_configs"]} == {
        name: None if name in HIDDEN else comment for name, comment in declared.items()
    }


def test_questions_are_routed_to_the_table_that_answers_them(space):
    [instructions] = space["instructions"]["text_instructions"]
    text = "".join(instructions["content"])
    for when, table in (
        ("now", "equipment_current_status"),
        ("the last hour", "equipment_performance_1min"),
        ("today, yesterday, this week", "equipment_performance_1hour"),
        ("what is wrong", "ml_predictions"),
    ):
        assert re.search(rf"^For .*{when}.*: {table}", text, re.MULTILINE), when
    assert "the highest deviation_score first" in text


def test_what_is_not_registered_is_not_spoken_of(pipeline):
    fewer = {name: dataset for name, dataset in pipeline.datasets.items() if name != "ml_predictions"}
    text = json.dumps(serialized_space(type(pipeline)(fewer, pipeline.flows), PLACE))
    assert "ml_predictions" not in text
    assert "deviation_score" not in text


def test_the_form_is_that_of_version_2(space):
    assert space["version"] == 2
    identified = [
        space["config"]["sample_questions"],
        space["instructions"]["text_instructions"],
        space["instructions"]["example_question_sqls"],
        space["instructions"]["join_specs"],
    ]
    ids = [item["id"] for items in identified for item in items]
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert len(ids) == len(set(ids))
    for items in identified:
        assert items == sorted(items, key=lambda item: item["id"])
    identifiers = [table["identifier"] for table in space["data_sources"]["tables"]]
    assert identifiers == sorted(identifiers)
    for table in space["data_sources"]["tables"]:
        names = [column["column_name"] for column in table["column_configs"]]
        assert names == sorted(names)
    texts = [item[key] for items in identified for item in items for key in ("question", "content", "sql") if key in item]
    assert all(isinstance(text, list) and all(isinstance(line, str) for line in text) for text in texts)


def test_deploying_again_changes_no_id(space, pipeline):
    assert serialized_space(with_predictions(pipeline), PLACE) == space


def test_joins_name_columns_of_both_sides(space):
    columns = {name: {column["column_name"] for column in table["column_configs"]} for name, table in tables(space).items()}
    assert len(space["instructions"]["join_specs"]) >= 6
    for join in space["instructions"]["join_specs"]:
        condition, relationship = join["sql"]
        assert relationship == "--rt=FROM_RELATIONSHIP_TYPE_MANY_TO_ONE--"
        for column in sqlglot.parse_one(condition, read="databricks").find_all(sqlglot.exp.Column):
            assert column.name in columns[column.table]
        assert {join["left"]["alias"], join["right"]["alias"]} == {
            join[side]["identifier"].removeprefix(f"{PLACE}.") for side in ("left", "right")
        }


def test_what_is_said_of_tables_and_columns_is_said_of_some_that_exist(space):
    columns = {column["column_name"] for table in tables(space).values() for column in table["column_configs"]}
    assert set(SYNONYMS) | MATCHED | HIDDEN <= columns
    assert set(SAMPLE_QUESTIONS) | set(ROUTES) <= {*tables(space), "equipment_baseline"}
    assert all(example.tables <= set(tables(space)) for example in EXAMPLES)
