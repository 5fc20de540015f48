"""Collisions: uniqueness, optimality, determinism."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from sidflow.errors import ConfigError, DataContractError, ShapeError
from sidflow.semantic_ids import repair
from sidflow.semantic_ids.repair import _contenders, _share_free_codes, repair_paths
from sidflow.semantic_ids.search import TakenPaths, code_costs, free_paths
from sidflow.semantic_ids.unique import add_suffix, distortion_ratio, make_unique, squared_errors
from tests.semantic_ids.planted import ids_of, quantizer_of, random_quantizer, unit_vectors

LINE = quantizer_of([[0], [10]], [[0], [1], [2]])  # paths at 0 1 2 and 10 11 12


def settle(quantizer, points, mode="unique", held=None, order=None):
    """Unique codes of points on a line, whose ids are their positions."""
    latents = np.asarray(points, np.float32).reshape(len(points), -1)
    order = np.arange(len(latents)) if order is None else np.asarray(order)
    pinned = None if held is None else np.asarray(held)[order]
    codes = quantizer.assign(latents)
    result = make_unique(quantizer, latents[order], codes[order], ids_of(*order), mode, pinned)
    back = np.empty_like(result.codes)
    back[order] = result.codes
    return back.tolist(), result


def test_nothing_moves_without_collisions():
    """Items on distinct paths keep them."""
    codes, result = settle(LINE, [0, 1, 12])
    assert codes == [[0, 0], [0, 1], [1, 2]]
    assert result.facts["repaired_share"] == 0
    assert result.facts["distortion_ratio"] == 1
    assert result.facts["natural_unique_share"] == 1


def test_the_nearest_item_stays():
    """Of two items on one path the nearer keeps it, the other takes the next best free code."""
    assert settle(LINE, [0.3, 0.1])[0] == [[0, 1], [0, 0]]


def test_equally_near_items_go_by_id():
    """With equal costs the smaller item id stays, whatever the row order."""
    assert settle(LINE, [0.1, 0.1], order=[1, 0])[0] == [[0, 0], [0, 1]]


def test_a_held_item_stays_though_another_is_nearer():
    """Pinning beats nearness."""
    assert settle(LINE, [0.0, 0.3], held=[False, True])[0] == [[0, 1], [0, 0]]


def test_of_two_held_items_on_one_path_the_nearer_stays():
    """Pins cannot break uniqueness."""
    assert settle(LINE, [0.3, 0.0], held=[True, True])[0] == [[0, 1], [0, 0]]


def test_assignment_is_optimal_within_the_bucket():
    """Two losers share the free codes at least total cost: greedy would pay more."""
    book = quantizer_of([[0.0]], [[0.0], [1.0], [-1.5]])
    codes, _ = settle(book, [[0.0], [0.45], [0.4]])
    assert codes == [[0, 0], [0, 1], [0, 2]]


def test_overflow_leaves_the_bucket_for_the_cheapest_free_path():
    """The fourth item of a bucket of three moves to the other prefix, next to it."""
    codes, result = settle(LINE, [0.0, 1.0, 2.0, 2.1])
    assert codes == [[0, 0], [0, 1], [0, 2], [1, 0]]
    assert result.facts["overflow_items"] == 1
    assert result.facts["repaired_share"] == 0.25


def test_every_path_can_be_filled():
    """As many equal items as paths: all get one."""
    codes, result = settle(LINE, [0.0] * 6)
    assert sorted(map(tuple, codes)) == list(itertools.product(range(2), range(3)))
    assert result.facts["max_bucket"] == 6
    assert result.facts["natural_unique_share"] == pytest.approx(1 / 6)


def test_more_items_than_paths_are_refused():
    """The same words as before a fit: how many fit and what to enlarge."""
    with pytest.raises(
        DataContractError, match=r"7 items but only 6 SIDs; .* Raise quantizer.codebooks \(now \[2, 3\]"
    ):
        settle(LINE, [0.0] * 7)


def test_biases_count_in_the_cost():
    """A bias that makes a code dear sends the loser elsewhere."""
    assert settle(quantizer_of([[0]], [[0], [1], [2]]), [0.0, 0.2])[0] == [[0, 0], [0, 1]]
    dear = quantizer_of([[0]], [[0], [1], [2]], biases=([0], [0, 9, 0]))
    assert settle(dear, [0.0, 0.2])[0] == [[0, 0], [0, 2]]


def test_one_level_is_one_bucket():
    """A flat codebook is settled by the assignment alone."""
    flat = quantizer_of([[0], [1], [2]])
    assert settle(flat, [0.1, 0.0, 0.2])[0] == [[1], [0], [2]]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 24), st.integers(0, 10_000), st.sampled_from([(2, 3, 4), (24,), (5, 5), (2, 2, 2, 3)]))
def test_paths_are_unique_and_do_not_depend_on_row_order(items, seed, sizes):
    """For any items up to the brim, in any order, every item gets the same free path."""
    quantizer = random_quantizer(sizes, dim=2)
    points = unit_vectors(items, dim=2, seed=seed).round(1)
    first, result = settle(quantizer, points)
    assert len(set(map(tuple, first))) == items
    assert result.facts["unique"]
    shuffled = np.random.default_rng(seed).permutation(items)
    assert settle(quantizer, points, order=shuffled)[0] == first


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10_000))
def test_bucket_cost_equals_brute_force(items, seed):
    """With one item pinned, no other way to share a bucket's free codes is cheaper."""
    quantizer = quantizer_of([[0.0, 0.0]], np.random.default_rng(seed).standard_normal((6, 2)))
    radii = 1e-3 * np.arange(1, items + 1)[:, None]  # clearly different distances: no tie for rounding to settle
    near = quantizer.codebooks[1][2] + radii * unit_vectors(items, dim=2, seed=seed)
    codes, _ = settle(quantizer, near)
    cost = ((near[:, None] - quantizer.codebooks[1]) ** 2).sum(axis=2)
    keeper = [row for row in range(items) if codes[row][1] == 2]
    assert keeper == [int(cost[:, 2].argmin())]
    losers = [row for row in range(items) if row not in keeper]
    options = itertools.permutations([0, 1, 3, 4, 5], len(losers))
    best = min(sum(cost[row, code] for row, code in zip(losers, option, strict=True)) for option in options)
    assert sum(cost[row, codes[row][1]] for row in losers) == pytest.approx(best)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 26))
def test_search_finds_the_cheapest_free_path_of_two_levels(seed, taken):
    """With reach over all codes and two levels the best-first search is exact."""
    quantizer = random_quantizer((4, 7), dim=3, seed=seed)
    paths = list(itertools.product(range(4), range(7)))
    used = np.array(paths, np.int16)[np.random.default_rng(seed).permutation(28)[:taken]].reshape(-1, 2)
    latent = unit_vectors(1, dim=3, seed=seed)
    free = [path for path in paths if path not in set(map(tuple, used.tolist()))]
    errors = squared_errors(quantizer, np.repeat(latent, len(free), axis=0), np.array(free))
    found = next(free_paths(quantizer, latent[0], TakenPaths(used, 7)))
    assert errors[free.index(found)] == pytest.approx(errors.min(), rel=1e-5)


def test_search_takes_the_free_path_of_least_cost():
    """Around a taken nearest path the search crosses to the other prefix when that is nearer."""
    quantizer = quantizer_of([[0], [3]], [[0], [1], [-1]])  # 0 1 -1 and 3 4 2
    taken = TakenPaths(np.array([[0, 1]], np.int16), 3)
    assert next(free_paths(quantizer, np.array([1.4], np.float32), taken)) == (1, 2)


@pytest.mark.parametrize(("bias", "path"), [(0, (0, 1)), (1, (1, 0))])
def test_search_counts_biases_of_the_prefix(bias, path):
    """At 0, with 0 taken: 1 costs 1 plus its prefix's bias, 1.3 costs 1.69."""
    quantizer = quantizer_of([[0], [1.3]], [[0], [1]], biases=([bias, 0], [0, 0]))
    taken = TakenPaths(np.array([[0, 0]], np.int16), 2)
    assert next(free_paths(quantizer, np.zeros(1, np.float32), taken)) == path


def test_search_widens_until_it_finds_the_last_free_path():
    """Forty codes per level but one free path, among the farthest."""
    quantizer = quantizer_of([[float(k)] for k in range(40)], [[k / 40] for k in range(40)])
    every = np.array(list(itertools.product(range(40), range(40))), np.int16)
    taken = TakenPaths(every[:-1], 40)
    assert next(free_paths(quantizer, np.zeros(1, np.float32), taken)) == (39, 39)


def test_search_without_a_free_path_raises():
    """A full table is a defect of the caller, and said so."""
    every = np.array(list(itertools.product(range(2), range(3))), np.int16)
    with pytest.raises(RuntimeError, match="every path is taken"):
        next(free_paths(LINE, np.zeros(1, np.float32), TakenPaths(every, 3)))


def test_a_search_goes_on_where_it_was():
    """A path comes until it is taken; then all free ones follow in order of cost, whoever takes them, each once."""
    quantizer = random_quantizer((4, 7), dim=3, seed=1)
    latent = unit_vectors(1, dim=3, seed=2)
    taken = TakenPaths(np.array([[0, 0], [1, 3]], np.int16), 7)
    search, found = free_paths(quantizer, latent[0], taken), []
    assert next(search) == next(search)
    for turn in range(26):
        path = next(search if turn % 3 else free_paths(quantizer, latent[0], taken))  # another item comes between
        taken.add(path)
        found.append(path)
    free = [path for path in itertools.product(range(4), range(7)) if path not in ((0, 0), (1, 3))]
    errors = dict(zip(free, squared_errors(quantizer, np.repeat(latent, 26, axis=0), np.array(free)), strict=True))
    assert sorted(found) == free
    assert [errors[path] for path in found] == pytest.approx(sorted(errors.values()), rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_copies_get_what_searches_of_their_own_find(seed, items):
    """Copies of a few latents among others end where a new search for each item would put it."""
    quantizer = random_quantizer((3, 4, 5), dim=3, seed=seed)
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((items, 3)).astype(np.float32)[rng.integers(0, 1 + items // 4, items)]
    codes = quantizer.assign(latents)
    given_codes = repair_paths(quantizer, latents, codes, np.zeros(items, bool))
    homeless = np.flatnonzero((given_codes[:, :2] != codes[:, :2]).any(axis=1))
    settled = np.delete(given_codes, homeless, axis=0)
    taken, expected = TakenPaths(settled, 5), []
    for row in homeless:
        expected.append(next(free_paths(quantizer, latents[row], taken)))
        taken.add(expected[-1])
    assert list(map(tuple, given_codes[homeless].tolist())) == expected


def test_twenty_thousand_copies_share_one_search():
    """A search of its own for each would take minutes; the paths nearest to the vector are used up first."""
    quantizer = random_quantizer((64, 64, 64), dim=4, seed=0)
    latents = np.repeat(unit_vectors(1, dim=4, seed=0), 20_000, axis=0)
    codes, result = settle(quantizer, latents)
    assert result.facts["unique"]
    assert result.facts["overflow_items"] == 20_000 - 64
    assert tuple(quantizer.assign(latents[:1])[0]) in set(map(tuple, codes))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(7, 60), st.integers(1, 6))
def test_a_thinned_out_bucket_costs_no_more(seed, rows, codes):
    """However many rows want few codes, those that are left out could not have made the whole cheaper."""
    rng = np.random.default_rng(seed)
    residuals = rng.standard_normal((rows, 2)).round(1)[rng.integers(0, rows, rows)]  # with copies
    book, bias = rng.standard_normal((codes, 2)).astype(np.float32), rng.random(codes).astype(np.float32)
    cost, able = code_costs(residuals, book, bias), _contenders(residuals, book, bias)
    assert len(able) <= codes**2
    every, some = linear_sum_assignment(cost), linear_sum_assignment(cost[able])
    assert cost[able][some].sum() == pytest.approx(cost[every].sum())
    assert len(some[0]) == len(every[0])


def test_a_crowded_bucket_is_thinned_out(monkeypatch):
    """Beyond the limit of costs held at once, the bucket is settled as well, with no more of them than that."""
    monkeypatch.setattr(repair, "CELLS", 64)
    points = np.repeat([0.1, 0.2, 0.3], 40)
    seen = []

    def noted(residuals, *rest):
        seen.append(len(residuals) * len(rest[0]))
        return code_costs(residuals, *rest)

    monkeypatch.setattr(repair, "code_costs", noted)
    book = quantizer_of([[0.0]], [[k / 20] for k in range(9)])
    choice = _share_free_codes(points[:, None], np.array([0]), book.codebooks[1], book.biases[1])
    assert sorted(choice[choice >= 0].tolist()) == list(range(1, 9))
    assert max(seen[:-1]) <= 120 < seen[-1] <= 9**3


def test_suffix_counts_by_item_id():
    """The suffix is the rank by id within a path, not by row."""
    codes, result = settle(LINE, [0, 1, 0, 0], mode="suffix", order=[3, 1, 0, 2])
    assert codes == [[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 2]]
    assert result.sizes == (2, 3, 3)
    assert result.facts["unique"]


def test_new_suffixes_follow_pinned_ones():
    """A pinned suffix stays and a free lower one is not handed on; one above the pinned is free again."""
    codes = np.zeros((4, 1), np.int16)
    assert add_suffix(codes, np.array([-1, 5, -1, 2]))[:, 1].tolist() == [6, 5, 7, 2]
    assert add_suffix(codes[:3], np.array([0, 1, -1]))[:, 1].tolist() == [0, 1, 2]  # whoever had 2 has left


def test_suffix_keeps_held_rows():
    """In suffix mode the further column carries the suffixes of held rows; those of others are ignored."""
    codes = np.array([[0, 0, 9], [0, 0, 4], [0, 0, 9]], np.int16)
    held = np.array([False, True, False])
    result = make_unique(LINE, np.zeros((3, 1), np.float32), codes, ids_of(0, 1, 2), "suffix", held)
    assert result.codes.tolist() == [[0, 0, 5], [0, 0, 4], [0, 0, 6]]
    assert result.sizes == (2, 3, 7)


def test_suffix_beyond_int16_is_refused():
    """More items on one path than int16 counts cannot be told apart."""
    with pytest.raises(ConfigError, match="32,769 items share one path; allowed 32,768"):
        add_suffix(np.zeros((32_769, 1), np.int16))


def test_allow_leaves_collisions():
    """Mode allow changes nothing and says that paths are shared."""
    codes, result = settle(LINE, [0, 0], mode="allow")
    assert codes == [[0, 0], [0, 0]]
    assert result.facts["unique"] is False
    assert result.facts["natural_unique_share"] == 0.5


def test_no_items():
    """An empty catalogue has unique SIDs."""
    result = make_unique(LINE, np.zeros((0, 1), np.float32), np.zeros((0, 2), np.int16), ids_of())
    assert result.codes.shape == (0, 2)
    assert result.facts["unique"]
    assert result.facts["distortion_ratio"] == 1


def test_repeated_ids_and_uneven_rows_are_refused():
    """Determinism needs distinct ids, one a row."""
    latents, codes = np.zeros((2, 1), np.float32), np.zeros((2, 2), np.int16)
    with pytest.raises(ShapeError, match="an item id repeats"):
        make_unique(LINE, latents, codes, ids_of(1, 1))
    with pytest.raises(ShapeError, match="3 item ids"):
        make_unique(LINE, latents, codes, ids_of(1, 2, 3))


def test_distortion_ratio_of_a_perfect_fit_is_finite():
    """Zero error before and some after gives a large finite number; zero on both sides gives 1."""
    points = np.array([[1.0], [2.0]], np.float32)
    exact, off = np.array([[0, 1], [0, 2]]), np.array([[0, 1], [0, 0]])
    assert distortion_ratio(LINE, points, exact, exact) == 1
    assert np.isfinite(distortion_ratio(LINE, points, off, exact))


def test_facts():
    """Every fact on a literal example."""
    _, result = settle(LINE, [0.0, 0.5, 0.1, 12])
    assert result.facts == {
        "mode": "unique",
        "items": 4,
        "sizes": [2, 3],
        "unique": True,
        "natural_unique_share": 0.5,
        "max_bucket": 3,
        "repaired_share": 0.5,
        "overflow_items": 0,
        "distortion_ratio": pytest.approx((1.5**2 + 0.9**2) / (0.5**2 + 0.1**2)),
    }
