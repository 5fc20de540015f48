"""The verdict on a data set, from stored facts alone: it can be given again whenever the limits change."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from sidflow.validation.engine import Outcome, Range, evaluate
from sidflow.validation.results import GateResult
from sidflow.validation.suite import FactCheck, Facts, Limit, Suite
from sidflow.validation.suites import suite_of

ROWS_NEXT = "Broken rows are in failing_rows.jsonl beside the manifest: mend the source, or the settings that read it."


def judge(kind: str, facts: Facts, limits: Mapping[str, float]) -> list[GateResult]:
    """Hold a data set's facts against the expectations of its kind.

    Args:
        kind: A kind of artifact.
        facts: The stage's numbers; under `row_checks` what `measure_rows` noted.
        limits: The settings of the section's `gate`, by name.

    Returns:
        One result for each expectation about facts, then one for each about rows. What could not be observed or
        evaluated has failed; so a data set whose rows were never looked at fails. Only what the stage itself could
        not measure, for a reason that the suite knows, passes with that reason noted.

    Raises:
        ConfigError: If there is no such kind.
        KeyError: If a limit that the suite names is not given.
    """
    suite = suite_of(kind)
    pending = [each for check in suite.facts if (each := _about_fact(kind, check, facts, limits))]
    pending += _about_schema(kind, suite, facts)
    pending += _about_rows(kind, suite, facts)
    columns = {f"fact_{index}": np.array([_number(each.observed)]) for index, each in enumerate(pending)}
    rules = [Range(f"fact_{i}", each.minimum, each.maximum, each.above) for i, each in enumerate(pending)]
    return [each.verdict(outcome) for each, outcome in zip(pending, evaluate(columns, rules), strict=True)]


class _Pending:
    """An expectation and what was observed, before Great Expectations has judged it."""

    def __init__(
        self,
        texts: tuple[str, str, str],
        observed: float | None,
        minimum: float | None = None,
        maximum: float | None = None,
        above: bool = False,
        unmeasured: bool = False,
    ):
        self.texts, self.observed, self.unmeasured = texts, observed, unmeasured
        self.minimum, self.maximum, self.above = minimum, maximum, above

    def verdict(self, outcome: Outcome) -> GateResult:
        expectation, subject, next_step = self.texts
        holds = outcome.error is None and not len(outcome.unexpected) and self.observed is not None
        if outcome.error is not None:
            next_step = f"It could not be evaluated: {outcome.error}. {next_step}"
        observed = None if self.observed is None or not math.isfinite(self.observed) else self.observed
        return GateResult(
            expectation, subject, observed, self.minimum, self.maximum, holds or self.unmeasured, next_step
        )


def _about_fact(kind: str, check: FactCheck, facts: Facts, limits: Mapping[str, float]) -> _Pending | None:
    try:
        observed, is_there = check.observe(facts), True
    except KeyError:
        observed, is_there = None, False
    if observed is None and check.optional:
        return None
    unmeasured = is_there and observed is None and bool(check.unmeasured)
    expectation = f"{check.expectation} (not measured: {check.unmeasured})" if unmeasured else check.expectation
    texts = (expectation, f"{kind}.{check.subject}", check.next_step)
    minimum, maximum = _limit(check.minimum, limits), _limit(check.maximum, limits)
    return _Pending(texts, observed, minimum, maximum, check.above, unmeasured)


def _about_schema(kind: str, suite: Suite, facts: Facts) -> list[_Pending]:
    if suite.rows is None:
        return []
    found = _noted(facts).get("facts", {}).get("schema_deviations")
    next_step = f"Found: {'; '.join(found) or 'none'}." if found is not None else "The rows were never looked at."
    texts = (
        "columns are as the schema says",
        f"{kind}.schema",
        f"{next_step} Run the stage again with --refresh {kind}.",
    )
    return [_Pending(texts, None if found is None else len(found), maximum=0)]


def _about_rows(kind: str, suite: Suite, facts: Facts) -> list[_Pending]:
    if suite.rows is None:
        return []
    noted = {(each["subject"], each["expectation"]): each for each in _noted(facts).get("results", ())}
    pending = []
    for check in suite.rows.checks:
        result = noted.get(
            (check.subject, check.expectation), {"unexpected": None, "error": "the rows were never looked at"}
        )
        error = result["error"]
        next_step = f"It could not be evaluated: {error}." if error else ROWS_NEXT
        observed = None if error else float(result["unexpected"])
        pending.append(
            _Pending((f"{check.expectation} in every row", f"{kind}.{check.subject}", next_step), observed, maximum=0)
        )
    return pending


def _noted(facts: Facts) -> Mapping[str, Any]:
    noted: Mapping[str, Any] = facts.get("row_checks", {})
    return noted


def _limit(limit: Limit, limits: Mapping[str, float]) -> float | None:
    return limits[limit] if isinstance(limit, str) else limit


def _number(observed: float | None) -> float:
    return math.nan if observed is None else observed
