"""Expectations as Spark columns: which of them a row fails, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pitlake.pipelines.definitions import Action, Dataset, Expectation
from pitlake.pipelines.locations import error_at

FAILED_EXPECTATIONS = "failed_expectations"
VIOLATION = "EXPECTATION_VIOLATION"


def is_met(expectation: Expectation) -> Column:
    """True where a row meets the expectation; a condition that is NULL is not met."""
    return F.coalesce(F.expr(expectation.condition), F.lit(False))


def are_met(expectations: Iterable[Expectation]) -> Column:
    """True where a row meets all of the expectations."""
    met = F.lit(True)
    for expectation in expectations:
        met = met & is_met(expectation)
    return met


def failed_names(expectations: Sequence[Expectation]) -> Column:
    """The names of the expectations that a row fails: `ARRAY<STRING>`, empty when it meets them all."""
    if not expectations:
        return F.expr("cast(array() as array<string>)")
    return F.array_compact(F.array(*[F.when(~is_met(e), F.lit(e.name)) for e in expectations]))


def with_failed_expectations(rows: DataFrame, expectations: Sequence[Expectation], table: str) -> DataFrame:
    """Add `failed_expectations` to each row; a row that fails a FAIL expectation ends the query with the row in the error."""
    failed = failed_names([e for e in expectations if e.action is not Action.FAIL])
    fatal = [e for e in expectations if e.action is Action.FAIL]
    if fatal:
        failed = F.when(are_met(fatal), failed).otherwise(_violation(rows, fatal, table).cast("array<string>"))
    return rows.withColumn(FAILED_EXPECTATIONS, failed)


def _violation(rows: DataFrame, fatal: Sequence[Expectation], dataset: str) -> Column:
    row = F.to_json(F.struct(*[F.col(f"`{name}`") for name in rows.columns]))
    names = F.concat_ws(", ", failed_names(fatal))
    return F.raise_error(F.concat(F.lit(f"{VIOLATION}: {dataset}: "), names, F.lit(" is not met by the row "), row))


def is_dropped(expectations: Sequence[Expectation]) -> Column:
    """True where `failed_expectations` names an expectation that drops its rows."""
    drops = [e.name for e in expectations if e.action is Action.DROP]
    if not drops:
        return F.lit(False)
    return F.arrays_overlap(F.col(FAILED_EXPECTATIONS), F.array(*[F.lit(name) for name in drops]))


def as_upstream(rows: DataFrame, expectations: Sequence[Expectation], dataset: str) -> DataFrame:
    """The rows of a dataset as a downstream query of the same graph sees them: without those that it drops.

    A row that fails a FAIL expectation ends the query that reads it too: passed over, it would be missing downstream for good
    once the expectation is corrected.
    """
    fatal = [e for e in expectations if e.action is Action.FAIL]
    if fatal:
        rows = rows.where(F.when(are_met(fatal), F.lit(True)).otherwise(_violation(rows, fatal, dataset).cast("boolean")))
    drops = [e for e in expectations if e.action is Action.DROP]
    return rows.where(are_met(drops)) if drops else rows


def check_expectations(dataset: Dataset, rows: DataFrame) -> None:
    """Raises DefinitionError for an expectation that cannot be evaluated on a dataset's rows."""
    for expectation in dataset.expectations:
        try:
            rows.where(is_met(expectation))
        except AnalysisException as error:
            reason = str(error).strip().partition("\n")[0]
            raise error_at(
                dataset.location,
                f"the expectation {expectation.name} of {dataset.name} cannot be evaluated: {reason}",
                f"Its condition is {expectation.condition!r}; the columns are {', '.join(rows.columns)}.",
            ) from error
