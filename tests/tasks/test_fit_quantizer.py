"""What the quantiser's manifest holds of both sides of the comparison."""

from pathlib import Path

import pyarrow as pa
import pytest

from sidflow.artifacts import Store
from tasks.fit_quantizer import _labels


def test_both_sides_are_measured_alike(two_releases: Path) -> None:
    """RQ-KMeans has every diagnostic that the quantiser has."""
    store = Store(str(two_releases / "store"))
    facts = next(iter(store.manifests("quantizer"))).metrics
    spread = {"usage", "perplexity", "unique_share", "explained_variance", "embedding_variance"}
    measured = spread | {"cohesion", "neighbours", "nmi"}
    assert measured <= set(facts) and measured <= set(facts["rq_kmeans"])
    assert facts["reconstruction"] > 0
    for side in (facts, facts["rq_kmeans"]):
        assert [level["level"] for level in side["neighbours"]] == list(range(1, 1 + len(side["usage"])))
        assert (side["nmi"] is None) == (facts["nmi"] is None)


@pytest.mark.parametrize(("column", "found"), [("genres", ["x", ""]), ("colour", None)])
def test_categories_are_found_by_name(column: str, found: list[str] | None) -> None:
    """None where the catalogue has none; an item without one has the empty category."""
    assert _labels(pa.table({"title": ["A", "B"], column: ["x", None]})) == found
