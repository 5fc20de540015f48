"""Facts as rows of a table."""

from tasks.evidence import flattened


def test_facts_become_dotted_names_and_single_values():
    """Nested facts, lists of numbers, lists of facts, nothing."""
    facts = {
        "pairs": 3,
        "dropped": {"below_support": 7, "by": {"cap": 1}},
        "deciles": [0.5, None, 1.0],
        "cohesion": [{"level": 1, "lift": 2.5}],
        "renamed": {},
        "churn": None,
        "method": "rq-vae",
        "warm": False,
    }
    assert list(flattened(facts)) == [
        ("pairs", 3),
        ("dropped.below_support", 7),
        ("dropped.by.cap", 1),
        ("deciles", "0.5 - 1.0"),
        ("cohesion.1.level", 1),
        ("cohesion.1.lift", 2.5),
        ("renamed", "-"),
        ("churn", "-"),
        ("method", "rq-vae"),
        ("warm", False),
    ]
