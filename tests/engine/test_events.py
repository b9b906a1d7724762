"""Events as rows of the event log, in Databricks' columns and names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pitlake.engine.event_log import event_log_spec
from pitlake.engine.events import (
    Update,
    dataset_defined,
    event_row,
    flow_defined,
    flow_failed,
    flow_measured,
    flow_state,
    sink_defined,
    sink_flow_defined,
    totals_in,
    update_created,
    update_state,
)
from pitlake.engine.progress import Progress
from pitlake.errors import ExpectationViolationError, FlowError
from pitlake.lake.commits import Tally
from pitlake.lake.schemas import arrow_schema
from pitlake.lake.writer.batches import Layout, read_batch
from pitlake.pipelines.definitions import Location, Sink, SinkFormat
from tests.support.writing import append_spec, cdc_spec, record, upsert_spec

AT = datetime(2026, 2, 15, 4, 12, 9, 113000, tzinfo=UTC)
UPDATE = Update("mine", "site", 1_771_128_729_113)
GAINED = Progress(rows=7, dropped=2, expectations={"known": Tally(passed=7, failed=2)})


def _row(event, number=0):
    return json.loads(event_row(event, UPDATE, number, AT))


def _details(event):
    return json.loads(_row(event)["details"])


@pytest.mark.parametrize(
    "event",
    [
        update_created(UPDATE, {"catalog": "mine"}, "miner"),
        update_state(UPDATE, "FAILED", FlowError("it broke", do="mend it")),
        flow_measured("f", append_spec(), GAINED, GAINED, batch_id=3),
    ],
)
def test_every_event_is_a_row_of_the_table(event):
    layout = Layout.of(event_log_spec("mine", "site"))
    batch, rejected = read_batch([record(0, event_row(event, UPDATE, 0, AT))], layout)
    assert rejected == []
    assert batch.rows.column("timestamp").to_pylist() == [AT]
    assert batch.rows.column("origin").to_pylist()[0]["update_id"] == str(UPDATE.update_id)


def test_the_table_has_databricks_columns():
    schema = arrow_schema(event_log_spec("mine", "site"))
    assert " ".join(schema.names) == ("id sequence origin timestamp message level maturity_level error details event_type")
    assert pa.types.is_string(schema.field("details").type)


def test_an_update_begins_with_who_and_how():
    row = _row(update_created(UPDATE, {"catalog": "mine"}, "miner"))
    assert (row["event_type"], row["level"], row["message"]) == (
        "create_update",
        "INFO",
        f"Update {row['origin']['update_id'][:6]} started by miner.",
    )
    assert json.loads(row["details"])["create_update"] == {
        "cause": "USER_ACTION",
        "run_as": "miner",
        "config": {"catalog": "mine"},
    }


def test_an_update_tells_its_state():
    assert _details(update_state(UPDATE, "RUNNING")) == {"update_progress": {"state": "RUNNING"}}


def test_a_table_is_defined_with_its_expectations():
    event = dataset_defined(append_spec(expectations=("known",)), 2)
    assert _details(event)["dataset_definition"] == {
        "dataset_type": "STREAMING_TABLE",
        "num_flows": 2,
        "expectations": [{"name": "known"}],
    }


def test_a_table_warns_of_the_properties_that_it_does_not_get():
    event = dataset_defined(append_spec(), 1, ("delta.appendOnly", "delta.enableChangeDataFeed"))
    what = "defined without delta.appendOnly, delta.enableChangeDataFeed, to which pitlake's writer does not keep."
    assert (event.level, event.message) == ("WARN", f"Dataset c.s.silver {what}")


@pytest.mark.parametrize(("spec", "kind"), [(append_spec(), "APPEND"), (upsert_spec(), "UPDATE"), (cdc_spec(), "CHANGE")])
def test_a_flow_is_defined_by_what_it_reads_and_writes(spec, kind):
    details = _details(flow_defined("f", spec, {"b", "a"}))["flow_definition"]
    assert (details["flow_type"], details["output_dataset"]) == (kind, spec.name)
    assert details["input_datasets"] == [{"name": "a"}, {"name": "b"}]
    assert details["schema"][0] == {"name": spec.columns[0].name, "data_type": spec.columns[0].type}


def test_a_sink_is_defined_without_its_secrets():
    options = {"topic": "alarms", "kafka.sasl.jaas.config": "user and password", "kafka.ssl.keystore.key": "key"}
    row = _row(sink_defined(Sink("alarms", SinkFormat.KAFKA, options, Location("p.py", 1)), 1))
    assert (row["event_type"], row["origin"]["sink_name"]) == ("sink_definition", "alarms")
    assert json.loads(row["details"])["sink_definition"] == {
        "format": "kafka",
        "options": {"topic": "alarms", "kafka.sasl.jaas.config": "***", "kafka.ssl.keystore.key": "***"},
        "num_flows": 1,
    }


@pytest.mark.parametrize(
    "event",
    [
        sink_flow_defined("f", "UPDATE", "alarms", {"a"}, [("value", "string")]),
        flow_defined("f", append_spec(), (), sink="alarms"),
    ],
)
def test_a_flow_into_a_sink_has_it_as_its_output(event):
    definition = _details(event)["flow_definition"]
    assert definition["output_sink"] == "alarms"
    assert "output_dataset" not in definition


def test_a_flow_tells_its_rows_and_expectations_as_databricks_does():
    details = _details(flow_measured("f", append_spec(), GAINED, GAINED, batch_id=3))["flow_progress"]
    assert details == {
        "status": "RUNNING",
        "metrics": {"num_output_rows": 7},
        "data_quality": {
            "dropped_records": 2,
            "expectations": [{"name": "known", "dataset": "c.s.silver", "passed_records": 7, "failed_records": 2}],
        },
    }


def test_a_cdc_flow_upserts_its_rows():
    event = flow_measured("f", cdc_spec(), GAINED, GAINED, batch_id=3)
    assert _details(event)["flow_progress"]["metrics"] == {"num_upserted_rows": 7}


def test_a_measurement_names_flow_table_and_batch_and_carries_the_totals():
    row = _row(flow_measured("f", append_spec(), Progress(), GAINED, batch_id=3))
    assert (row["level"], row["origin"]["flow_name"], row["origin"]["batch_id"]) == ("METRICS", "f", 3)
    assert row["origin"]["table_name"] == row["origin"]["dataset_name"] == "c.s.silver"
    assert totals_in(row["details"]) == GAINED


def test_other_events_carry_no_totals():
    assert totals_in(_row(flow_state("f", "c.s.t", "RUNNING"))["details"]) is None


def test_a_warning_says_why():
    row = _row(flow_state("f", "c.s.t", "RUNNING", warning="not in real time"))
    assert (row["level"], row["message"]) == ("WARN", "Flow f is RUNNING: not in real time")


def test_a_failed_flow_tells_class_and_state_of_the_error():
    error = FlowError("flow f stopped: Caused by: x.SparkException: [CAST_INVALID_INPUT] no SQLSTATE: 22018", do="mend it")
    row = _row(flow_failed("f", "c.s.t", error))
    assert (row["level"], row["event_type"], json.loads(row["details"])["flow_progress"]) == (
        "ERROR",
        "flow_progress",
        {"status": "FAILED"},
    )
    assert row["error"] == {
        "fatal": True,
        "exceptions": [
            {"class_name": "FlowError", "message": str(error), "error_class": "CAST_INVALID_INPUT", "sql_state": "22018"}
        ],
    }


def test_a_violated_expectation_has_its_error_class():
    error = ExpectationViolationError("flow f stopped at a row that it must not accept: EXPECTATION_VIOLATION: t: a is", do="")
    assert _row(flow_failed("f", "c.s.t", error))["error"]["exceptions"][0]["error_class"] == "EXPECTATION_VIOLATION"


def test_an_error_without_a_class_has_none():
    assert _row(update_state(UPDATE, "FAILED", FlowError("it broke", do="")))["error"]["exceptions"][0]["error_class"] is None


def test_events_are_ordered_within_an_update_and_over_updates():
    later = Update("mine", "site", UPDATE.epoch + 1)
    event = update_state(UPDATE, "RUNNING")
    rows = [_row(event, 0), _row(event, 999_999), json.loads(event_row(event, later, 0, AT))]
    numbers = [row["sequence"]["data_plane_id"]["seq_no"] for row in rows]
    assert numbers == sorted(set(numbers))
    assert len({row["id"] for row in rows}) == 3


def test_updates_of_one_pipeline_share_its_id():
    later = Update("mine", "site", UPDATE.epoch + 1)
    assert (later.pipeline_id == UPDATE.pipeline_id, later.update_id == UPDATE.update_id) == (True, False)
