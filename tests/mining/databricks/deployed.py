"""The bundle as the Databricks command would see it, put together without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def written() -> dict[str, Any]:
    """`databricks.yml` with all that it includes."""
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    resources = bundle.setdefault("resources", {})
    for pattern in bundle.pop("include"):
        for file in sorted(ROOT.glob(pattern)):
            for kind, named in yaml.safe_load(file.read_text())["resources"].items():
                resources.setdefault(kind, {}).update(named)
    return bundle


def deployed(folder: Path, **variables: str) -> dict[str, Any]:
    """The bundle with what its Python adds, asked for as the command asks; `variables` replace defaults."""
    bundle = written()
    bundle["bundle"]["target"] = "dev"
    for name, variable in bundle["variables"].items():
        variable["value"] = variables.get(name, variable.get("default"))
    files = {name: folder / f"{name}.json" for name in ("input", "output", "diagnostics")}
    for phase in ("load_resources", "apply_mutators"):
        files["input"].write_text(json.dumps(bundle))
        options = [text for name, file in files.items() for text in (f"--{name}", str(file))]
        subprocess.run([sys.executable, "-m", "databricks.bundles.build", "--phase", phase, *options], cwd=ROOT, check=True)
        assert files["diagnostics"].read_text() == ""
        bundle = json.loads(files["output"].read_text())
    for variable in bundle["variables"].values():
        del variable["value"]
    del bundle["bundle"]["target"]
    return bundle
