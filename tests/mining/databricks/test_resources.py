"""The bundle against the published schema of the format, and against the files that it names."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from databricks.bundles.core import Bundle

from pitlake.mining.databricks.resources import load_resources, refusal_settings
from tests.mining.databricks.deployed import ROOT, written

SCHEMA = ROOT / "tests" / "data" / "bundle.schema.json"
BUILT_IN = ("workspace.", "bundle.", "var.")


@pytest.fixture(scope="module")
def schema():
    # Python's expressions have no \p{L}: a letter is a word character that is neither digit nor underscore.
    text = SCHEMA.read_text().replace("[\\\\p{L}\\\\p{N}]", "[^\\\\W_]").replace("\\\\p{L}", "[^\\\\W\\\\d_]")
    return json.loads(text)


def strings(node):
    if isinstance(node, dict):
        node = [*node, *node.values()]
    if isinstance(node, list):
        return [text for item in node for text in strings(item)]
    return [node] if isinstance(node, str) else []


def without_deprecated(node):
    """The schema, in which nothing satisfies what is deprecated."""
    if isinstance(node, list):
        return [without_deprecated(item) for item in node]
    if not isinstance(node, dict):
        return node
    return False if node.get("deprecated") is True else {key: without_deprecated(item) for key, item in node.items()}


@pytest.mark.parametrize("whole", [True, False], ids=["with what Python adds", "as it is written"])
def test_the_bundle_is_valid(schema, bundle, whole):
    validator = jsonschema.Draft202012Validator(schema)
    found = bundle if whole else written() | {"include": ["resources/*.yml"]}
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(found)] == []


def test_the_schema_refuses_what_the_format_does_not_know(schema, bundle):
    pipeline = bundle["resources"]["pipelines"]["mining_operations_realtime"]
    wrong = {**bundle, "resources": {"pipelines": {"p": {**pipeline, "spark_conf": {"a": "b"}}}}}
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def test_nothing_that_is_used_is_deprecated(schema, bundle):
    assert jsonschema.Draft202012Validator(without_deprecated(schema)).is_valid(bundle)
    old = {**bundle, "environments": bundle["targets"]}
    assert not jsonschema.Draft202012Validator(without_deprecated(schema)).is_valid(old)


def test_there_are_two_targets_and_a_place_of_its_own_for_each(bundle):
    targets = bundle["targets"]
    assert {name: target["mode"] for name, target in targets.items()} == {"dev": "development", "prod": "production"}
    assert [name for name, target in targets.items() if target.get("default")] == ["dev"]
    assert targets["dev"]["variables"]["schema"] != bundle["variables"]["schema"]["default"]


def test_catalog_and_schema_are_those_of_the_specification_unless_told_otherwise(bundle):
    variables = bundle["variables"]
    assert (variables["catalog"]["default"], variables["schema"]["default"]) == ("field_engineering", "mining_demo")
    for pipeline in bundle["resources"]["pipelines"].values():
        assert (pipeline["catalog"], pipeline["schema"]) == ("${var.catalog}", "${var.schema}")


def test_every_variable_that_is_used_is_declared_and_every_declared_one_is_used(bundle):
    used = {name for text in strings(bundle) for name in re.findall(r"\$\{([^}]*)\}", text)}
    assert all(name.startswith(BUILT_IN) for name in used)
    assert {name.removeprefix("var.") for name in used if name.startswith("var.")} == set(bundle["variables"])


def test_every_file_that_is_named_exists(bundle):
    named = {text for text in strings(bundle["resources"]) if "/src/" in text or text.startswith("../src")}
    local = [ROOT / text.replace("${workspace.file_path}/", "").removeprefix("../") for text in named]
    assert len(local) > 4
    assert [str(path) for path in local if not path.exists()] == []


def test_every_module_that_a_task_names_has_a_main(bundle):
    for job in bundle["resources"]["jobs"].values():
        for task in job["tasks"]:
            module = task["spark_python_task"]["parameters"][1]
            source = (ROOT / "src" / module.replace(".", "/")).with_suffix(".py").read_text()
            assert "\ndef main(" in source, module


def test_the_pipeline_is_continuous_and_configured_as_the_specification_asks(bundle):
    pipeline = bundle["resources"]["pipelines"]["mining_operations_realtime"]
    assert (pipeline["continuous"], pipeline["photon"]) == (True, True)
    assert pipeline["configuration"]["spark.sql.shuffle.partitions"] == "200"
    [cluster] = pipeline["clusters"]
    assert (cluster["node_type_id"], cluster["autoscale"]) == (
        "i3.xlarge",
        {"min_workers": 2, "max_workers": 4, "mode": "ENHANCED"},
    )


def test_the_real_time_pipeline_has_what_real_time_mode_asks_for(bundle):
    pipeline = bundle["resources"]["pipelines"]["mining_realtime_flows"]
    assert (pipeline["continuous"], pipeline["photon"]) == (True, False)
    assert pipeline["configuration"]["spark.databricks.streaming.realTimeMode.enabled"] == "true"
    assert all("autoscale" not in cluster for cluster in pipeline["clusters"])


def test_without_brokers_there_is_no_real_time_pipeline():
    assert load_resources(Bundle(target="dev", variables={"kafka_bootstrap_servers": ""})).pipelines == {}


def test_every_pipeline_is_handed_the_conditions_of_the_expectations(bundle, pipeline):
    settings = refusal_settings(pipeline)
    assert json.loads(settings["mining.refuses.ot_sensors_normalized"])["valid_equipment"] == "equipment_id IS NOT NULL"
    for resource in bundle["resources"]["pipelines"].values():
        assert settings.items() <= resource["configuration"].items()


def test_a_failing_check_or_upkeep_is_reported(bundle):
    for name in ("mining_check", "mining_upkeep"):
        job = bundle["resources"]["jobs"][name]
        assert job["schedule"]
        assert job["email_notifications"]["on_failure"] == ["${var.notified}"]
