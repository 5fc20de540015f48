"""The stage as a whole, in this process."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from sidflow.config.learning import PairsConfig
from sidflow.histories.table import Histories
from sidflow.pairs.mine import mine_pairs
from sidflow.pairs.table import Pairs
from tests.factories import histories_of, make_world
from tests.pairs.naive import packed


def histories(rows: list[list[int]], n_items: int, n_train: list[int] | None = None) -> Histories:
    """Histories of item indices; everything is for training unless said otherwise."""
    offsets, items = packed(rows)
    lengths = [len(row) for row in rows]
    return Histories(
        user_ids=pa.array([f"u{user:04d}" for user in range(len(rows))], pa.string()),
        offsets=offsets,
        items=items,
        timestamps=np.arange(len(items)),
        n_train=np.array(lengths if n_train is None else n_train, np.int32),
        n_validation=np.zeros(len(rows), np.int32),
        item_ids=pa.array([f"i{item:03d}" for item in range(n_items)], pa.string()),
    )


def config(**values: object) -> PairsConfig:
    """Settings that count in this process."""
    return PairsConfig.model_validate({"dask": {"workers": 0}, **values})


def rows_of(pairs: Pairs) -> list[tuple[object, ...]]:
    """Every column of every pair."""
    return list(zip(*(column.tolist() for column in vars(pairs).values() if column is not None), strict=True))


def test_linked_items_are_found():
    """Most planted links are significant, in a world of unequally active users."""
    world = make_world(users=2_000, items=200, topics=8, seed=1)
    pairs, facts = mine_pairs(histories_of(world), config())
    links = set(map(tuple, world.links.tolist()))
    strong = set(zip(pairs.a[pairs.significant].tolist(), pairs.b[pairs.significant].tolist(), strict=True))
    assert len(links & strong) >= 0.9 * len(links)
    assert facts["significant"] == len(strong) and facts["fdr_hat"] <= 0.05


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.integers(0, 11), max_size=15), min_size=1, max_size=40), st.integers(2, 20))
def test_rows_are_the_same_for_any_number_of_partitions(log: list[list[int]], partitions: int):
    """Rows and facts, column by column."""
    whole, whole_facts = mine_pairs(histories(log, 12), config(partitions=1, topup_p=0.5, fdr=0.5))
    split, split_facts = mine_pairs(histories(log, 12), config(partitions=partitions, topup_p=0.5, fdr=0.5))
    assert rows_of(whole) == rows_of(split) and whole_facts == split_facts


def test_only_the_training_prefix_counts():
    """The pair of the held-out events is not observed."""
    log = [[0, 1, 2, 3]] * 4
    _, facts = mine_pairs(histories(log, 4, n_train=[2] * 4), config())
    assert facts["pairs_observed"] == 1 and facts["pair_tokens"] == 4


def test_only_the_most_recent_events_of_a_user_count():
    """Of ten items the last three make three pairs."""
    _, facts = mine_pairs(histories([list(range(10))], 10), config(max_history=3))
    assert facts["pairs_observed"] == 3


def test_facts_balance():
    """Observed pairs are kept or dropped for one reason; facts are plain JSON."""
    world = make_world(users=500, items=100, topics=5, seed=2)
    pairs, facts = mine_pairs(histories_of(world), config(max_partners=1, iota=0.0))
    assert facts["pairs_observed"] == sum(facts["dropped"].values()) + len(pairs)
    assert facts["dropped"]["over_partner_cap"] > 0
    assert facts["significant"] + facts["topup"] == facts["pairs"] == len(pairs)
    assert json.loads(json.dumps(facts)) == facts


def test_facts_by_hand():
    """Two pairs that 30 users have and one that two have: margins 32, 30, 32, 30 and T = 62."""
    log = [[0, 1]] * 30 + [[2, 3]] * 30 + [[0, 2]] * 2
    pairs, facts = mine_pairs(histories(log, 5), config(heldout_share=0.0))
    assert rows_of(pairs)[0][:4] == (0, 1, 30, 32 * 30 / 124) and rows_of(pairs)[1][:4] == (2, 3, 30, 32 * 30 / 124)
    assert facts == {
        "pair_tokens": 62,
        "pairs_observed": 3,
        "dropped": {"below_support": 0, "not_significant": 1, "over_partner_cap": 0, "no_topup_needed": 0},
        "pairs": 2,
        "significant": 2,
        "topup": 0,
        "heldout": 0,
        "m_tests": 6,
        "p_cut": pytest.approx(poisson.sf(29, 2 * 32 * 30 / 124)),
        "fdr_hat": pytest.approx(6 * poisson.sf(29, 2 * 32 * 30 / 124) / 2),
        "chance_share": pytest.approx(32 * 30 / 124 / 30),
        "chance_share_all": pytest.approx(32 * 30 / 124 / 30),
        "items": 5,
        "items_covered": 4,
        "items_coverable": 4,
        "coverage_by_popularity_decile": [1.0, 1.0, 1.0, 1.0, None, None, None, None, None, None],
        "max_hub_share": 0.5,
    }


def test_progress_reaches_the_end():
    """One call per partition."""
    calls: list[tuple[int, int]] = []
    mine_pairs(histories([[0, 1, 2, 3]], 4), config(partitions=2), lambda *call: calls.append(call))
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("log", "n_items"),
    [([], 0), ([], 3), ([[]], 3), ([[0]] * 9, 1), ([[0, 0, 0]] * 9, 1), ([[0], [1]] * 9, 2), ([[0, 1, 2]], 3)],
    ids=["nothing", "no users", "no events", "one item", "one item repeated", "no pair", "support 1"],
)
def test_nothing_to_find_is_an_empty_table(log: list[list[int]], n_items: int):
    """Degenerate inputs give empty columns of the right types and facts of zeros."""
    pairs, facts = mine_pairs(histories(log, n_items), config())
    assert len(pairs) == 0
    assert [str(column.dtype) for column in vars(pairs).values() if column is not None] == (
        ["int32", "int32", "int32", "float64", "float64", "float64", "bool", "float32", "bool"]
    )
    assert facts["pairs"] == facts["significant"] == facts["items_covered"] == 0
    assert facts["p_cut"] == facts["fdr_hat"] == facts["max_hub_share"] == facts["chance_share"] == 0.0
    assert len(facts["coverage_by_popularity_decile"]) == 10


def test_identical_users_carry_no_information():
    """If everybody has the same history, no pair is above chance."""
    pairs, facts = mine_pairs(histories([[0, 1, 2, 3, 4]] * 50, 5), config())
    assert len(pairs) == 0 and facts["pairs_observed"] == 10 and facts["items_coverable"] == 5


def test_window_of_one():
    """Neighbours only."""
    _, facts = mine_pairs(histories([[0, 1, 2]] * 3, 3), config(window=1))
    assert facts["pairs_observed"] == 2
