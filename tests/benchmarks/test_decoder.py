"""The measures of benchmarks/decoder.py and decoder_control.py, on data whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts import their neighbours by name, as when they are run."""
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_gini_is_nothing_for_even_lists_and_nearly_one_for_one_item() -> None:
    """Four items shown once each; one item of a hundred shown always."""
    from decoder_control import gini

    assert gini(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(0)
    assert gini(np.array([[7], [7], [-1]]), 100) == pytest.approx(0.99)


def test_gini_of_two_items_by_hand() -> None:
    """Shown once and three times: mean absolute difference over twice the mean, 2 * 2 / (2 * 4 * 2)."""
    from decoder_control import gini

    assert gini(np.array([[0, 1], [1, 1]]), 2) == pytest.approx(0.25)


def test_intra_list_distance_is_that_of_the_pairs() -> None:
    """Orthogonal items are 1 apart, equal ones 0; a list of three has three pairs; gaps count nothing."""
    from decoder_control import intra_list_distance

    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    assert intra_list_distance(np.array([[0, 2], [0, 1]]), vectors) == pytest.approx((1 + 0) / 2)
    assert intra_list_distance(np.array([[0, 1, 2]]), vectors) == pytest.approx(2 / 3)
    assert intra_list_distance(np.array([[0, 2, -1], [3, -1, -1]]), vectors) == pytest.approx(1)


def test_rows_of_one_seed_come_before_further_seeds() -> None:
    """So that a stopped benchmark has a whole table."""
    from decoder import run_order

    assert run_order(["default", "knn"], 2) == [("default", 0), ("knn", 0), ("default", 1)]


def test_sasrec_gets_the_settings_that_validation_preferred(tmp_path: Path) -> None:
    """Not those with the better test figures; without any tried, it stops and says what to run."""
    from decoder import tuned

    with pytest.raises(SystemExit, match="tune- rows first"):
        tuned(tmp_path)
    for name, validation, test in (("dim64-dropout0.2", 0.2, 0.9), ("dim128-dropout0.5", 0.3, 0.1)):
        row = {"name": f"tune-{name}", "seed": 0, "validation": {"ndcg@10": validation}, "test": {"ndcg@10": test}}
        (tmp_path / f"tune-{name}-0.json").write_text(json.dumps(row))
    assert tuned(tmp_path) == "dim128-dropout0.5"
