"""Gates: what must hold of a data set before it is published; Great Expectations evaluates it."""

from sidflow.validation.batches import row_batches
from sidflow.validation.judge import judge
from sidflow.validation.results import GateResult, RowChecks, RowResult, refusal
from sidflow.validation.rows import measure_rows

__all__ = ["GateResult", "RowChecks", "RowResult", "judge", "measure_rows", "refusal", "row_batches"]
