"""`pyspark.pipelines` as Databricks documents it in autumn 2026: signatures that refuse what they do not know, and note calls.

The interfaces on PyPI are older than these: they lack update flows, sinks and `create_auto_cdc_flow`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

_TABLE = (
    "*, name=None, comment=None, spark_conf=None, table_properties=None, path=None, partition_cols=None, cluster_by_auto=False, "
    "cluster_by=None, schema=None, row_filter=None, private=False"
)
DECORATORS = {
    "table": _TABLE + ", replace_using=None, sequence_by=None",
    "materialized_view": _TABLE + ", refresh_policy=None",
    "temporary_view": "*, name=None, comment=None",
    "append_flow": "target, name=None, once=False, depends_on=None, spark_conf=None, comment=None, import_checkpoint=None",
    "update_flow": "target, name=None, depends_on=None, spark_conf=None, comment=None",
    **dict.fromkeys(("expect", "expect_or_drop", "expect_or_fail"), "description, constraint"),
    **dict.fromkeys(("expect_all", "expect_all_or_drop", "expect_all_or_fail"), "expectations"),
}
FUNCTIONS = {
    "create_streaming_table": (
        "name, comment=None, spark_conf=None, table_properties=None, path=None, partition_cols=None, cluster_by_auto=False, "
        "cluster_by=None, schema=None, expect_all=None, expect_all_or_drop=None, expect_all_or_fail=None, row_filter=None"
    ),
    "create_auto_cdc_flow": (
        "target, source, keys, sequence_by, system_sequence_by=None, ignore_null_updates=False, "
        "ignore_null_updates_column_list=None, ignore_null_updates_except_column_list=None, columns_to_update=None, "
        "apply_as_deletes=None, apply_as_truncates=None, column_list=None, except_column_list=None, stored_as_scd_type='1', "
        "track_history_column_list=None, track_history_except_column_list=None, name=None, once=False"
    ),
    "create_sink": "name, format, options=None",
}


@dataclass
class Call:
    """A call with its arguments by name, and the function that it decorates."""

    name: str
    arguments: dict[str, Any]
    function: Callable[[], Any] | None = None


@dataclass
class Lakeflow:
    """The module, and what a file has called of it."""

    calls: list[Call] = field(default_factory=list)

    def module(self) -> ModuleType:
        module = ModuleType("pyspark.pipelines")
        for name, parameters in {**DECORATORS, **FUNCTIONS}.items():
            setattr(module, name, self._documented(name, parameters))
        return module

    def named(self, *names: str) -> list[Call]:
        return [call for call in self.calls if call.name in names]

    def _documented(self, name: str, parameters: str) -> Callable[..., Any]:
        signature = inspect.signature(eval(f"lambda {parameters}: None"))  # noqa: S307  (the texts above)

        def documented(*args: Any, **kwargs: Any) -> Any:
            call = Call(name, signature.bind(*args, **kwargs).arguments)
            self.calls.append(call)
            return _decorator(call) if name in DECORATORS else None

        return documented


def _decorator(call: Call) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    def decorate(function: Callable[[], Any]) -> Callable[[], Any]:
        call.function = function
        return function

    return decorate
