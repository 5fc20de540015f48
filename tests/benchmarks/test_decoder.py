"""The measures of benchmarks/decoder.py and decoder_control.py, on data whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest


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
    """Not those with the better test figures; while some are untried, it stops and says which."""
    from decoder import tuned
    from sasrec import GRID

    for place, name in enumerate(GRID):
        with pytest.raises(SystemExit, match=rf"tune-\.\.\. first: .*{name}"):
            tuned(tmp_path)
        row = {"validation_unseen": {"ndcg@10": 0.1 + (place == 2)}, "test": {"ndcg@10": 0.9 - (place == 2)}}
        text = json.dumps({"name": f"tune-{name}", "seed": 0, **row})
        (tmp_path / f"tune-{name}-0.json").write_text(text)
    assert tuned(tmp_path) == list(GRID)[2]


def test_a_row_of_other_data_is_refused(tmp_path: Path) -> None:
    """A row comes back as it was kept; what it was made from tells whose it is."""
    from result_rows import keep_row, kept_row

    path, made_from = tmp_path / "rows" / "a-0.json", {"dataset": "1", "seed": 0}
    assert kept_row(path, made_from) is None
    kept = keep_row(path, {"recall": 0.5}, made_from)
    assert kept["recall"] == 0.5 and kept_row(path, made_from) == kept
    assert [each.name for each in path.parent.iterdir()] == ["a-0.json"]
    with pytest.raises(SystemExit, match=r"a-0\.json was made from other data or settings"):
        kept_row(path, made_from | {"dataset": "2"})


def test_a_decoders_curve_counts_training_alone() -> None:
    """Ten positions a second, then twenty; validation, which the row's clock counts too, is not in it."""
    from decoder_table import training_curve

    rows = [(100, 10.0, 0.1), (300, 20.0, 0.2)]
    curve = [
        {"positions": done, "positions_per_second": rate, "seconds": 99.0, "ndcg@10": ndcg} for done, rate, ndcg in rows
    ]
    assert training_curve({"name": "default", "curve": curve}) == [(10.0, 0.1), (20.0, 0.2)]
