"""The measures of benchmarks/quantizer.py, on data whose answers are known."""

import numpy as np
import pyarrow as pa
import pytest

from sidflow.histories.table import Histories


def histories(rows: list[list[int]], items: int) -> Histories:
    """Users whose last event is test and the one before validation."""
    lengths = np.array([len(row) for row in rows])
    return Histories(
        user_ids=pa.array([f"u{user}" for user in range(len(rows))]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        items=np.concatenate(rows).astype(np.int32),
        timestamps=np.zeros(lengths.sum(), np.int64),
        n_train=(lengths - 2).astype(np.int32),
        n_validation=np.ones(len(rows), np.int32),
        item_ids=pa.array([f"i{item}" for item in range(items)]),
    )


def test_the_lift_is_that_of_the_last_training_event_to_the_held_out_ones() -> None:
    """Two codes: every transition to validation stays within one, every one to test crosses over."""
    from quantizer_measures import heldout_lift

    log = histories([[9, 0, 1, 2], [9, 2, 3, 4], [9, 4, 5, 6], [9, 6, 7, 0]], 10)
    codes = np.array([[0], [0], [1], [1], [0], [0], [1], [1], [0], [0]], np.int16)
    found = heldout_lift(log, codes)
    assert found["validation"] == [pytest.approx((4 / 4) / (4 / 12))]  # shares of the pairs, and of the crossed ends
    assert found["pooled"] == [pytest.approx((4 / 8) / (28 / 56))]


def test_what_the_goals_compare_runs_first_and_further_seeds_last() -> None:
    """A stopped benchmark has its most telling rows."""
    from quantizer import run_order

    order = run_order(["random", "plain", "default"], 2)
    assert order == [("default", 0), ("plain", 0), ("random", 0), ("default", 1), ("plain", 1)]


def test_every_observed_pair_counts_alike() -> None:
    """No significance, no held-out pairs, one weight."""
    from quantizer_variants import all_pairs

    from sidflow.config import PairsConfig

    pairs = all_pairs(histories([[0, 1, 2, 3, 4], [1, 0, 3, 4]], 5), PairsConfig(window=1))
    assert list(zip(pairs.a.tolist(), pairs.b.tolist(), pairs.support.tolist(), strict=True)) == [(0, 1, 2), (1, 2, 1)]
    assert set(pairs.weight.tolist()) == {1.0} and not pairs.heldout.any()


@pytest.mark.parametrize("name", ["random", "lsh", "kmeans", "kmeans-pmi"])
def test_variants_without_a_network_are_what_they_say(name: str) -> None:
    """The settings reach the fit, and the pairs that a variant names exist."""
    from quantizer_variants import VARIANTS, all_pairs, fit_variant

    from sidflow.config import PairsConfig, QuantizerConfig

    vectors = np.random.default_rng(0).standard_normal((60, 12)).astype(np.float32)
    pairs = all_pairs(histories([[0, 1, 2, 3, 4], [1, 0, 3, 4]], 60), PairsConfig())
    by_name = {"none": None, "significant": pairs, "all": pairs}
    quantizer, revived = fit_variant(VARIANTS[name], vectors, by_name, QuantizerConfig(codebooks=(8, 16)), 0)
    assert quantizer.method == VARIANTS[name].settings["method"]
    assert quantizer.sizes == (8, 16) and revived == [0, 0]


def test_every_setting_of_a_variant_exists() -> None:
    """They are not validated, since some go beyond the limits on purpose."""
    from quantizer_variants import VARIANTS

    from sidflow.config import QuantizerConfig

    assert {name for each in VARIANTS.values() for name in each.settings} <= set(QuantizerConfig.model_fields)
