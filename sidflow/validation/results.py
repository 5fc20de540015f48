"""What a gate says: plain values that go to the manifest and to the person who reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class GateResult:
    """One expectation about a data set, and what was observed.

    Attributes:
        expectation: What must hold, in words.
        subject: What it is about, such as `pairs.fdr_hat`.
        observed: The number that was judged; None if there was none to judge, which fails.
        minimum: Least allowed value; None for no limit.
        maximum: Greatest allowed value; None for no limit.
        success: Whether it holds.
        next_step: What to do if it does not.
    """

    expectation: str
    subject: str
    observed: float | None
    minimum: float | None
    maximum: float | None
    success: bool
    next_step: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class RowResult:
    """How many rows broke one row-wise expectation; `error` says why it could not be evaluated."""

    expectation: str
    subject: str
    unexpected: int
    rows: int
    error: str | None = None


@dataclass(frozen=True)
class RowChecks:
    """What the rows of a data set look like, measured once; the gate judges this later without the rows.

    Attributes:
        rows: Rows that were looked at.
        results: One for each row-wise expectation.
        facts: Measured on the whole table: order and uniqueness of keys, deviations from the schema ...
        failing_rows: Up to 1,000 of the rows that broke an expectation, each with the reason.
    """

    rows: int = 0
    results: tuple[RowResult, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    failing_rows: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The part that belongs into the stage's facts, under `row_checks`; failing rows are kept elsewhere."""
        return {"rows": self.rows, "results": [asdict(each) for each in self.results], "facts": dict(self.facts)}


def refusal(kind: str, fingerprint: str, failed: Sequence[GateResult | Mapping[str, Any]]) -> str:
    """Why a gate refused: every failed expectation with what was observed, its limit and the next step."""
    plain = [each.to_json() if isinstance(each, GateResult) else each for each in failed]
    lines = [f"{kind}/{fingerprint[:12]}: refused; {len(plain)} expectation{'s' * (len(plain) > 1)} failed."]
    lines += [
        f"  {each['subject']}: {each['expectation']}; got {_number(each['observed'])}, allowed is {_allowed(each)}. "
        f"{each['next_step']}"
        for each in plain
    ]
    return "\n".join([*lines, "Nothing new was published; what was refused is kept: sidflow artifacts --failed."])


def _allowed(result: Mapping[str, Any]) -> str:
    minimum, maximum = result["minimum"], result["maximum"]
    if minimum is not None and maximum is not None:
        return _number(minimum) if minimum == maximum else f"{_number(minimum)} to {_number(maximum)}"
    if maximum is not None:
        return f"at most {_number(maximum)}"
    return "any number" if minimum is None else f"at least {_number(minimum)}"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:,.6g}" if value % 1 else f"{value:,.0f}"
