"""Great Expectations, used as an evaluator: columns in, one outcome for each expectation out.

It takes seconds to import, so it is imported at the first evaluation. Its Data Docs need a CDN; results are
shown by the caller instead.
"""

import functools
import logging
import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Columns = Mapping[str, npt.NDArray[Any]]


class Range(NamedTuple):
    """All values of a column are present and between two limits, both included unless `above` is set."""

    column: str
    minimum: float | None = None
    maximum: float | None = None
    above: bool = False


class OneOf(NamedTuple):
    """All values of a column are present and in a small set."""

    column: str
    allowed: tuple[str, ...]


Rule = Range | OneOf


class Outcome(NamedTuple):
    """Row numbers that broke a rule, ascending; or why the rule could not be evaluated."""

    unexpected: npt.NDArray[np.int64]
    error: str | None


# Great Expectations keeps one project per process in a global; Prefect runs tasks in threads.
_LOCK = threading.Lock()


def evaluate(columns: Columns, rules: Sequence[Rule]) -> list[Outcome]:
    """Evaluate rules on the rows of some columns.

    Args:
        columns: Equally long arrays by name.
        rules: What must hold of them. Missing values (None, NaN) break every rule about their column.

    Returns:
        One outcome for each rule, in order. A rule that raises has an error, and must be taken as broken.
    """
    if not rules:
        return []
    frame = pd.DataFrame(dict(columns))
    with _LOCK:
        expectations = [each for index, rule in enumerate(rules) for each in _expectations(rule, index, frame)]
        suite = _library().ExpectationSuite(name="rules", expectations=expectations)
        batch = _batches().get_batch(batch_parameters={"dataframe": frame})
        results = batch.validate(suite, result_format={"result_format": "COMPLETE"}).results
    # Results come in no particular order, which is why every expectation carries the number of its rule.
    by_rule: list[list[Any]] = [[] for _ in rules]
    for result in results:
        by_rule[result.expectation_config.meta["rule"]].append(result)
    return [_outcome(each) for each in by_rule]


def _expectations(rule: Rule, index: int, frame: pd.DataFrame) -> list[Any]:
    """What a rule means: expectations about limits pass over missing values, so presence is one of its own.

    It is left out where nothing is missing, for an expectation costs 5 ms however few rows there are.
    """
    kinds, meta = _library().expectations, {"rule": index}
    complete = rule.column in frame and not frame[rule.column].isna().any()
    present = [] if complete else [kinds.ExpectColumnValuesToNotBeNull(column=rule.column, meta=meta)]
    match rule:
        case OneOf(column, allowed):
            return [*present, kinds.ExpectColumnValuesToBeInSet(column=column, value_set=list(allowed), meta=meta)]
        case Range(column, None, None):
            return present or [kinds.ExpectColumnToExist(column=column, meta=meta)]
        case Range(column, minimum, maximum, above):
            within = kinds.ExpectColumnValuesToBeBetween(
                column=column, min_value=minimum, max_value=maximum, strict_min=above, meta=meta
            )
            return [*present, within]


def _outcome(results: Sequence[Any]) -> Outcome:
    errors = [message for each in results if (message := _exception(each.exception_info))]
    errors += ["no result"] if not results else []
    if errors:
        return Outcome(np.empty(0, np.int64), errors[0])
    rows = [each.result.get("unexpected_index_list") or [] for each in results]
    broken = np.unique(np.concatenate([np.asarray(each, np.int64) for each in rows]))
    if not len(broken) and not all(each.success for each in results):
        return Outcome(broken, "failed without naming a row")
    return Outcome(broken, None)


def _exception(info: Mapping[str, Any]) -> str | None:
    """The message of an expectation that raised: flat, or one entry for each metric that raised."""
    entries = [info] if "raised_exception" in info else list(info.values())
    return next((str(each["exception_message"]) for each in entries if each["raised_exception"]), None)


@functools.cache
def _library() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
    # One of its modules asks for INFO on its own account.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    return great_expectations


@functools.cache
def _batches() -> Any:
    context = _library().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return (
        context.data_sources.add_pandas("memory")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("all")
    )
