"""How `tests/data/bundle.schema.json` is made: what `databricks bundle schema` prints, without texts and unused resources.

databricks bundle schema | python -m tests.mining.databricks.reduce_schema > tests/data/bundle.schema.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

KINDS = {"genie_spaces", "jobs", "pipelines", "schemas"}
RESOURCES = "github.com/databricks/cli/bundle/config.Resources"
TEXTS = {
    "description",
    "markdownDescription",
    "enumDescriptions",
    "deprecationMessage",
    "x-databricks-launch-stage",
    "doNotSuggest",
}


def reduced(schema: dict[str, Any]) -> dict[str, Any]:
    """The definitions that a bundle of these kinds of resources reaches; each is as strict as it was."""
    small = without_texts(schema)
    definitions = small.pop("$defs")
    properties = at(definitions, RESOURCES)["oneOf"][0]["properties"]
    for kind in set(properties) - KINDS:
        del properties[kind]
    kept: dict[str, Any] = {}
    waiting = references(small)
    while waiting:
        path = waiting.pop()
        if path not in kept:
            kept[path] = at(definitions, path)
            waiting |= references(kept[path])
    for path, definition in kept.items():
        put(small.setdefault("$defs", {}), path, definition)
    return small


def without_texts(node: Any, *, names: bool = False) -> Any:
    """The schema without what is for people; inside `properties`, where `names` says so, keys are names and stay."""
    if isinstance(node, list):
        return [without_texts(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: without_texts(item, names=key == "properties") for key, item in node.items() if names or key not in TEXTS}


def references(node: Any) -> set[str]:
    """The paths below `$defs` that a schema refers to."""
    if isinstance(node, list):
        return {path for item in node for path in references(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"].removeprefix("#/$defs/")} if isinstance(node.get("$ref"), str) else set()
    return own | {path for item in node.values() for path in references(item)}


def at(definitions: dict[str, Any], path: str) -> Any:
    node = definitions
    for part in path.split("/"):
        node = node[part]
    return node


def put(definitions: dict[str, Any], path: str, definition: Any) -> None:
    *folders, name = path.split("/")
    for part in folders:
        definitions = definitions.setdefault(part, {})
    definitions[name] = definition


if __name__ == "__main__":
    json.dump(reduced(json.load(sys.stdin)), sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")
