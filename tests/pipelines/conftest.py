"""Pipeline files, loaded or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pitlake.errors import DefinitionError
from pitlake.pipelines.definitions import CdcFlow, Dataset, Pipeline
from pitlake.pipelines.loading import load
from tests.support.definitions import refusal, write_file


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[str], Pipeline]:
    """What a pipeline file of that text defines."""
    return lambda text: load([write_file(tmp_path, text)])


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[str], DefinitionError]:
    """Why a pipeline file of that text is refused, at its line that is marked `# here`."""

    def error(text: str) -> DefinitionError:
        file = write_file(tmp_path, text)
        return refusal(file, lambda: load([file]))

    return error


@pytest.fixture
def dataset(loaded: Callable[[str], Pipeline]) -> Callable[[str], Dataset]:
    """The one dataset that a pipeline file of that text defines."""

    def only(text: str) -> Dataset:
        [found] = loaded(text).datasets.values()
        return found

    return only


@pytest.fixture
def cdc_flow(loaded: Callable[[str], Pipeline]) -> Callable[[str], CdcFlow]:
    """The CDC flow that a call with these arguments defines, from `v` into `t`."""

    def only(arguments: str) -> CdcFlow:
        call = f"dp.create_auto_cdc_flow(target='t', source='v', {arguments})"
        [flow] = loaded(f"dp.create_streaming_table('t')\n{call}\n").flows
        assert isinstance(flow, CdcFlow)
        return flow

    return only
