"""What came in and what was lost, and the headline."""

from sidflow.report.blocks import Table
from sidflow.report.inputs import describe_histories, describe_interactions, lost_rows
from sidflow.report.overview import headline, monitors
from sidflow.report.subject import Subject


def test_interactions() -> None:
    """Counts and days; a fact that is not there is left out or a dash, never an error."""
    known = dict(describe_interactions({"source_rows": 10, "rows": 9, "min_timestamp_us": 0, "sources": ["a"]}).pairs)
    assert known == {"source rows": "10", "rows used": "9", "first event": "1970-01-01 00:00", "sources": "1"}
    assert dict(describe_histories({}).pairs)["users"] == "-"


def test_losses_by_reason() -> None:
    """Reasons that occurred, with their share of the source; zeros and absent stages are left out."""
    table = lost_rows(
        {
            "interactions": {"source_rows": 200, "rejects": {"item id missing": 5}, "not_kept": {"event": 0}},
            "histories": {"dropped": {"repeat": 7}},
        }
    )
    assert table.rows == (
        ("interactions", "rejected", "item id missing", "5", "2.50%"),
        ("histories", "dropped", "repeat", "7", ""),
    )


def test_headline_numbers(subject: Subject) -> None:
    """Measures come with an interval and the best baseline; churn only where there was a release before."""
    judged = {"pairs": [{"success": True}, {"success": False}], "decoder": [{"success": True}]}
    tiles = {label: (value, beside) for label, value, beside in headline(subject.manifests, judged).tiles}
    facts = subject.manifests["metrics"].metrics
    assert tiles["Recall@10"][0] == f"{facts['test']['recall@10']:.4f}"
    best = max(each["recall@10"] for each in facts["baselines"].values())
    assert tiles["Recall@10"][1].endswith(f"best baseline {best:.4f}")
    assert tiles["Churn"][1] == "of 40 known items"
    assert tiles["Gates passed"][0] == "2 of 3"  # the newest verdicts, as the section of the gates shows them
    assert headline({}, {}).tiles == ()


def test_monitors_stand_beside_their_limits() -> None:
    """Values that could not be measured say so."""
    table = monitors({"traffic_psi": 0.002, "cohesion_ratio": None, "new_items": 3},
                     {"max_traffic_psi": 0.25, "min_cohesion_ratio": 0.85})  # fmt: skip
    assert isinstance(table, Table)
    assert table.rows == (
        ("traffic psi", "0.002", "at most 0.25"),
        ("cohesion ratio", "not measurable", "at least 0.85"),
        ("new items", "3", ""),
    )
