"""`pitlake doctor`: what a machine lacks, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from rich.console import Console

from pitlake.cli.lists import print_finding
from pitlake.local.doctor import Finding


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print each thing examined, with what to do where it is not as it should be."""
    for finding in findings:
        print_finding(console, ok=finding.ok, name=finding.name, what=finding.what, do=finding.do)


def findings_as_json(findings: Sequence[Finding]) -> str:
    """The findings for programs: a list of `{name, ok, what, do}`."""
    return orjson.dumps([asdict(finding) for finding in findings], option=orjson.OPT_INDENT_2).decode()
