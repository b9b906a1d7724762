from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from pyspark.sql import Row

from pitlake.mining.transformations import bronze

UPDATE = {"equipment_id": "CR_002", "equipment_type": "Crusher", "tags": {"Vibration_MM_S": 20.5, "Status": "RUNNING"}}
MESSAGE = {
    "timestamp": "2026-02-15T04:12:09.113Z",
    "source": "ignition_gateway_01",
    "message_id": "m-1",
    "sequence": 7,
    "batch": [UPDATE],
}


def test_one_row_per_machine_update(bronze_rows):
    rows = bronze_rows({**MESSAGE, "batch": [UPDATE, {**UPDATE, "equipment_id": "CR_003"}]})
    assert [(r.landing_id, r.batch_index, r.equipment_id) for r in rows] == [
        ("00000-0000000000000000000", 0, "CR_002"),
        ("00000-0000000000000000000", 1, "CR_003"),
    ]


def test_message_fields_are_repeated_on_every_row(bronze_rows):
    rows = bronze_rows({**MESSAGE, "batch": [UPDATE, UPDATE]})
    assert {(r.message_id, r.source, r.sequence, r.timestamp) for r in rows} == {
        ("m-1", "ignition_gateway_01", 7, datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC))
    }


def test_the_raw_message_is_kept_verbatim_on_the_first_row_only(bronze_rows):
    text = json.dumps({**MESSAGE, "batch": [UPDATE, UPDATE]}, indent=3) + " "
    assert [r.raw for r in bronze_rows(text.encode())] == [text, None]


def test_the_brokers_append_time_is_the_ingestion_time(bronze_rows):
    [row] = bronze_rows(MESSAGE)
    assert row.ingestion_timestamp == datetime(2026, 2, 15, 4, 12, 9, 250_000, tzinfo=UTC)


def test_tags_mix_numbers_texts_and_booleans(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "batch": [{**UPDATE, "tags": {"n": 42.3, "i": 2150, "t": "RUNNING", "b": True, "z": None}}]})
    assert row.tags == {"b": "true", "i": "2150", "n": "42.3", "t": "RUNNING", "z": None}


def test_of_a_repeated_tag_the_last_value_counts(bronze_rows):
    [row] = bronze_rows(b'{"batch": [{"equipment_id": "CR_002", "tags": {"a": 1, "b": 2, "a": 3}}]}')
    assert row.tags == {"a": "3", "b": "2"}


def test_a_tag_object_is_kept_as_json(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "batch": [{**UPDATE, "tags": {"v": {"value": 42.3, "quality": 192}}}]})
    assert json.loads(row.tags["v"]) == {"value": 42.3, "quality": 192}


def test_an_unparsable_message_is_one_row_without_a_machine(bronze_rows):
    values = [b'{"timestamp": "2026-02-15T0', b"", b"null", b"[1, 2]", b'"text"', b"5"]
    rows = bronze_rows(*values)
    assert [(r.batch_index, r.equipment_id, r.tags, r.raw.encode()) for r in rows] == [(0, None, None, value) for value in values]
    assert {r._rescued_data for r in rows} == {'{"error":"not a JSON object"}'}


def test_a_message_that_breaks_off_anywhere_is_one_row_without_a_machine(bronze_rows):
    text = json.dumps({**MESSAGE, "batch": [UPDATE, UPDATE], "firmware": {"version": "8.1"}})
    broken = [text[:length] for length in range(len(text))]
    rows = bronze_rows(*(each.encode() for each in broken))
    assert [(r.batch_index, r.equipment_id, r.tags, r.message_id, r.raw) for r in rows] == [
        (0, None, None, None, each) for each in broken
    ]
    assert {r._rescued_data for r in rows} == {'{"error":"not a JSON object"}'}


def test_an_update_given_as_text_that_breaks_off_is_rescued_whole(bronze_rows):
    broken = json.dumps(UPDATE)[:-1]
    rows = bronze_rows({**MESSAGE, "batch": [broken, UPDATE]})
    assert [(r.batch_index, r.equipment_id) for r in rows] == [(0, None), (1, "CR_002")]
    assert json.loads(rows[0]._rescued_data) == {"update": {"batch": broken}}


def test_bytes_that_are_not_utf8_are_kept_in_base64(bronze_rows):
    value = b'{"source": "\xff\xfe"}'
    [row] = bronze_rows(value)
    assert base64.b64decode(row.raw) == value
    assert json.loads(row._rescued_data)["error"].startswith("not UTF-8")


def test_a_well_formed_message_has_nothing_to_rescue(bronze_rows):
    assert [r._rescued_data for r in bronze_rows(MESSAGE)] == [None]


def test_unknown_fields_of_the_message_are_rescued_on_its_first_row(bronze_rows):
    rows = bronze_rows({**MESSAGE, "firmware": "8.1", "batch": [UPDATE, UPDATE]})
    assert [r._rescued_data and json.loads(r._rescued_data) for r in rows] == [{"message": {"firmware": "8.1"}}, None]


def test_unknown_fields_of_an_update_are_rescued_on_its_own_row(bronze_rows):
    rows = bronze_rows({**MESSAGE, "batch": [UPDATE, {**UPDATE, "line": 4}]})
    assert [r._rescued_data and json.loads(r._rescued_data) for r in rows] == [None, {"update": {"line": "4"}}]


def test_a_field_of_the_wrong_type_is_null_and_rescued(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "timestamp": "yesterday", "sequence": "twelve"})
    assert (row.timestamp, row.sequence, row.equipment_id) == (None, None, "CR_002")
    assert json.loads(row._rescued_data) == {"message": {"timestamp": "yesterday", "sequence": "twelve"}}


def test_a_batch_that_is_no_list_is_rescued(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "batch": "none"})
    assert (row.equipment_id, json.loads(row._rescued_data)) == (None, {"message": {"batch": "none"}})


def test_an_update_that_is_no_object_does_not_harm_its_neighbours(bronze_rows):
    rows = bronze_rows({**MESSAGE, "batch": [5, UPDATE]})
    assert [(r.batch_index, r.equipment_id) for r in rows] == [(0, None), (1, "CR_002")]
    assert json.loads(rows[0]._rescued_data) == {"update": {"batch": "5"}}


def test_tags_that_are_no_object_are_rescued(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "batch": [{**UPDATE, "tags": "none"}]})
    assert (row.tags, json.loads(row._rescued_data)) == (None, {"update": {"tags": "none"}})


def test_a_null_machine_id_stays_null(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "batch": [{**UPDATE, "equipment_id": None}]})
    assert (row.equipment_id, row.tags["Status"], row._rescued_data) == (None, "RUNNING", None)


def test_an_empty_batch_is_one_row(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "batch": []})
    assert (row.batch_index, row.equipment_id, row.message_id) == (0, None, "m-1")


ONE_TAG = {
    "event_id": "e-1",
    "event_time": 1771128729113000,
    "tag_path": "[default]Mine/Crushers/CR_002/Vibration_MM_S",
    "tag_provider": "default",
    "numeric_value": 42.3,
    "string_value": None,
    "boolean_value": None,
    "quality": "Good",
    "quality_code": 192,
    "source_system": "ignition_gateway_01",
    "alarm_state": "Cleared",
}


def test_the_row_of_the_ignition_connector_is_a_machine_update_of_one_tag(bronze_rows):
    [row] = bronze_rows(ONE_TAG)
    assert (row.batch_index, row.equipment_id, row.message_id, row.source) == (0, "CR_002", "e-1", "ignition_gateway_01")
    assert row.timestamp == datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC)
    assert {name: json.loads(tag) for name, tag in row.tags.items()} == {"Vibration_MM_S": {"value": "42.3", "quality": "192"}}
    assert json.loads(row.raw) == ONE_TAG


def test_the_event_time_of_a_row_may_be_iso_8601(bronze_rows):
    [row] = bronze_rows({**ONE_TAG, "event_time": "2026-02-15T04:12:09.113Z"})
    assert row.timestamp == datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC)


def test_of_a_row_what_has_no_column_is_rescued(bronze_rows):
    [row] = bronze_rows({**ONE_TAG, "event_time": "soon"})
    rescued = {"tag_provider": "default", "alarm_state": "Cleared", "event_time": "soon"}
    assert json.loads(row._rescued_data) == {"message": rescued}


def test_a_path_of_one_part_names_no_machine(bronze_rows):
    [row] = bronze_rows({**ONE_TAG, "tag_path": "[default]Vibration_MM_S"})
    assert (row.equipment_id, list(row.tags)) == (None, ["Vibration_MM_S"])


def test_a_timestamp_may_be_microseconds_as_zerobus_has_them(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "timestamp": 1771128729113001})
    assert row.timestamp == datetime(2026, 2, 15, 4, 12, 9, 113_001, tzinfo=UTC)


def test_a_batch_with_a_field_named_tag_path_is_a_batch(bronze_rows):
    [row] = bronze_rows({**MESSAGE, "tag_path": "line/5"})
    assert (row.equipment_id, row.tags["Status"]) == ("CR_002", "RUNNING")
    assert json.loads(row._rescued_data) == {"message": {"tag_path": "line/5"}}


def test_a_timestamp_is_iso_8601_of_a_year_that_can_be_stored(bronze_rows):
    stamps = {
        "2026-02-15T04:12:09.113Z": datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC),
        "2026-02-15T12:12:09+08:00": datetime(2026, 2, 15, 4, 12, 9, tzinfo=UTC),
        "9999-12-31T23:59:59.999Z": datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
        "9999-12-31T23:59:59-10:00": None,
        "0000-01-01T00:00:00Z": None,
        "2026-02-30T00:00:00Z": None,
        "T12:00": None,
        1771128729: None,
    }
    rows = bronze_rows(*({**MESSAGE, "timestamp": stamp} for stamp in stamps))
    assert [row.timestamp for row in rows] == list(stamps.values())


def test_the_typed_landing_table_gives_the_same_rows(spark, bronze_rows, collected):
    typed = spark.createDataFrame(
        [
            Row(
                message_id="m-1",
                timestamp=datetime(2026, 2, 15, 4, 12, 9, 113_000, tzinfo=UTC),
                source="ignition_gateway_01",
                sequence=7,
                batch=[
                    Row(equipment_id="CR_002", equipment_type="Crusher", tags={"Vibration_MM_S": "20.5", "Status": "RUNNING"})
                ],
            )
        ]
    )
    [row] = collected(bronze.machine_updates(typed))
    [expected] = bronze_rows(MESSAGE)
    same = ("batch_index", "message_id", "timestamp", "source", "sequence", "equipment_id", "equipment_type", "tags")
    assert [getattr(row, name) for name in same] == [getattr(expected, name) for name in same]
    assert len(row.landing_id) == 64


def test_the_columns_are_those_of_the_schema(landing, columns_of):
    assert bronze.machine_updates(landing({})).dtypes == columns_of(bronze.SCHEMA)
