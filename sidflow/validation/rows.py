"""Look at the rows of a data set once, batch by batch; the gate needs only what is noted here."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sidflow.validation.engine import Outcome, evaluate
from sidflow.validation.results import RowChecks, RowResult
from sidflow.validation.suite import RowSuite, schema_deviations
from sidflow.validation.suites import suite_of
from sidflow.validation.tallies import Tally

logger = logging.getLogger(__name__)

MOST_FAILING_ROWS: Final = 1_000
LONGEST_LIST: Final = 16


def measure_rows(kind: str, batches: Iterable[pa.RecordBatch] | None) -> RowChecks:
    """Hold the rows of a data set against the row-wise expectations of its kind, one batch in memory at a time.

    Args:
        kind: A kind of artifact.
        batches: The data set's rows in order, as `row_batches` gives them; None if the kind has no rows to check.

    Returns:
        Broken rows per expectation, facts of the whole table, and up to 1,000 broken rows shared out evenly.

    Raises:
        ConfigError: If there is no such kind.
    """
    suite = suite_of(kind).rows
    if suite is None or batches is None:
        return RowChecks()
    seen = _Seen(suite, {name: make() for name, make in suite.tallies.items()})
    for batch in batches:
        if batch.num_rows:
            seen.add(batch)
    checks = seen.summary()
    logger.info("%s: %d rows checked, %d broken", kind, checks.rows, sum(each.unexpected for each in checks.results))
    return checks


@dataclass
class _Seen:
    """What has been noted so far."""

    suite: RowSuite
    tallies: Mapping[str, Tally]
    rows: int = 0
    deviations: list[str] = field(default_factory=list)
    failing: list[dict[str, Any]] = field(default_factory=list)
    unexpected: dict[int, int] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch) -> None:
        """Note a batch. One that deviates from the schema cannot be looked at, and is noted as such."""
        found = list(schema_deviations(batch.schema, self.suite.schema))
        self.deviations += [each for each in found if each not in self.deviations]
        if not found:
            for tally in self.tallies.values():
                tally.add(batch)
            outcomes = evaluate(self.suite.columns(batch), [each.rule for each in self.suite.checks])
            for index, outcome in enumerate(outcomes):
                self._note(index, outcome, batch)
        self.rows += batch.num_rows

    def _note(self, index: int, outcome: Outcome, batch: pa.RecordBatch) -> None:
        if outcome.error is not None:
            self.errors.setdefault(index, outcome.error)
        before = self.unexpected.get(index, 0)
        self.unexpected[index] = before + len(outcome.unexpected)
        room = max(0, MOST_FAILING_ROWS // len(self.suite.checks) - before)
        check = self.suite.checks[index]
        for row in outcome.unexpected[:room].tolist():
            reason = {"row": self.rows + row, "subject": check.subject, "expectation": check.expectation}
            self.failing.append({**reason, "values": _values(batch, row)})

    def summary(self) -> RowChecks:
        """All of it, frozen."""
        results = tuple(
            RowResult(
                check.expectation, check.subject, self.unexpected.get(index, 0), self.rows, self.errors.get(index)
            )
            for index, check in enumerate(self.suite.checks)
        )
        facts = {name: tally.value() for name, tally in self.tallies.items()}
        return RowChecks(self.rows, results, {**facts, "schema_deviations": self.deviations}, tuple(self.failing))


def _values(batch: pa.RecordBatch, row: int) -> dict[str, Any]:
    """A row as plain values; long lists are cut."""
    (values,) = batch.slice(row, 1).to_pylist()
    return {name: _cut(value) for name, value in values.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, list):
        return [_cut(each) for each in value[:LONGEST_LIST]]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
