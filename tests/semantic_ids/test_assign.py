"""Assignment under each decision, hysteresis and churn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.config.codes import SemanticIdsConfig
from sidflow.errors import ReleaseMismatch, ShapeError
from sidflow.semantic_ids.assign import assign_semantic_ids
from sidflow.semantic_ids.churn import measure_churn
from sidflow.semantic_ids.hysteresis import complete_path, keep_old_paths
from sidflow.semantic_ids.policy import Decision
from sidflow.semantic_ids.table import SidTable
from sidflow.semantic_ids.unique import squared_errors
from tests.semantic_ids.planted import ids_of, quantizer_of, random_quantizer, table_of, unit_vectors

CONFIG = SemanticIdsConfig()
KEEP, ASSIGN_NEW = (Decision(action, "", False, None) for action in ("keep", "assign_new"))
FULL = Decision("full", "", True, None)
LINE = quantizer_of([[0], [10]], [[0], [1], [2]])


def numbered(*numbers):
    """An assignment's inputs: a random quantiser, vectors that depend on the item's number alone, ids."""
    vectors = np.concatenate([unit_vectors(1, seed=number) for number in numbers])
    return random_quantizer((4, 6)), vectors, ids_of(*numbers)


def release(assignment, ids):
    """The table of an assignment."""
    return SidTable(ids, assignment.codes, assignment.sizes)


def test_a_first_assignment_is_unique_and_counts_all_items_as_new():
    """Without a previous table there is no churn."""
    quantizer, vectors, ids = numbered(*range(20))
    codes, sizes, facts = assign_semantic_ids(quantizer, vectors, ids, CONFIG, None, FULL)
    assert len(np.unique(codes, axis=0)) == 20
    assert sizes == (4, 6)
    assert (facts["new_items"], facts["common_items"], facts["churn"]) == (20, 0, 0.0)
    assert facts["decision"] == "full"


def test_keep_changes_nothing():
    """Known items keep their codes exactly, though the vectors moved."""
    quantizer, vectors, ids = numbered(*range(12))
    first = assign_semantic_ids(quantizer, vectors, ids, CONFIG, None, FULL)
    again = assign_semantic_ids(quantizer, -vectors, ids, CONFIG, release(first, ids), KEEP)
    assert (again.codes == first.codes).all()
    assert again.facts["churn"] == 0
    assert again.facts["kept_old_share"] > 0


def test_keep_drops_removed_items():
    """Items that are gone lose their row, the others keep their codes."""
    quantizer, vectors, ids = numbered(*range(12))
    first = assign_semantic_ids(quantizer, vectors, ids, CONFIG, None, FULL)
    left = assign_semantic_ids(quantizer, vectors[4:], ids[4:], CONFIG, release(first, ids), KEEP)
    assert (left.codes == first.codes[4:]).all()
    assert left.facts["removed_items"] == 4


def test_new_items_settle_around_the_known():
    """A new item on a taken path takes the next free one, though it is nearer; the known one stays."""
    before = table_of([[0, 0]], (2, 3), ids=ids_of(1))
    vectors = np.zeros((2, 1), np.float32)
    codes, _, facts = assign_semantic_ids(LINE, vectors, ids_of(0, 1), CONFIG, before, ASSIGN_NEW)
    assert codes.tolist() == [[0, 1], [0, 0]]
    assert (facts["new_items"], facts["churn"]) == (1, 0.0)
    assert facts["natural_unique_share"] == 0.5


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(["unique", "suffix", "allow"]))
def test_assign_new_never_moves_a_known_item(known, new, mode):
    """Whatever the mode and the numbers, churn is nought and the table stays valid."""
    config = SemanticIdsConfig(uniqueness=mode)
    quantizer, vectors, ids = numbered(*range(new, new + known))
    first = assign_semantic_ids(quantizer, vectors, ids, config, None, FULL)
    quantizer, vectors, more = numbered(*range(new + known))
    second = assign_semantic_ids(quantizer, vectors, more, config, release(first, ids), ASSIGN_NEW)
    assert (second.codes[new:] == first.codes).all()
    assert second.facts["churn_by_level"] == [0.0] * len(first.sizes)
    assert second.facts["unique"] or mode == "allow"
    release(second, more)


def test_suffix_level_never_shrinks_while_codes_are_kept():
    """The decoder's vocabulary stays when the item with the highest suffix leaves."""
    config = SemanticIdsConfig(uniqueness="suffix")
    before = table_of([[0, 0, 0], [0, 0, 4]], (2, 3, 5))
    left = assign_semantic_ids(LINE, np.zeros((1, 1), np.float32), ids_of(0), config, before, KEEP)
    assert left.sizes == (2, 3, 5)
    assert left.facts["sizes"] == [2, 3, 5]


def test_full_without_drift_changes_nothing():
    """The same quantiser on the same vectors gives the same table: repaired items stay on old paths too."""
    quantizer, vectors, ids = numbered(*range(20))
    for mode in ("unique", "suffix"):
        config = SemanticIdsConfig(uniqueness=mode, hysteresis=10)
        first = assign_semantic_ids(quantizer, vectors, ids, config, None, FULL)
        again = assign_semantic_ids(quantizer, vectors, ids, config, release(first, ids), FULL)
        assert (again.codes == first.codes).all()


@pytest.mark.parametrize(("hysteresis", "codes"), [(0, [[0, 0]]), (0.5, [[0, 0]]), (10, [[0, 1]])])
def test_full_moves_whoever_gains_more_than_the_hysteresis(hysteresis, codes):
    """An item at the unit vector 1, whose paths miss it by 0.2 and 0.4: four times the error."""
    quantizer = quantizer_of([[0]], [[0.8], [0.6]])
    config = SemanticIdsConfig(hysteresis=hysteresis)
    before = table_of([[0, 1]], (1, 2))
    result = assign_semantic_ids(quantizer, np.ones((1, 1), np.float32), ids_of(0), config, before, FULL)
    assert result.codes.tolist() == codes


def test_items_on_old_paths_stay_first_after_a_refit():
    """An item kept on its old path is not displaced by a nearer item that would like it."""
    quantizer = quantizer_of([[0, 0]], [[1, 0], [0, 1], [-1, 0]])
    before = table_of([[0, 0]], (1, 3), ids=ids_of(1))
    vectors = np.array([[1, 0], [0.8, 0.6]], np.float32)
    codes = assign_semantic_ids(quantizer, vectors, ids_of(0, 1), CONFIG, before, FULL).codes
    assert codes.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("action", ["full", "re_encode"])
def test_only_a_warm_start_holds_items_to_old_names(action):
    """A quantiser fitted from scratch gives its codes other names: an item is not kept on one that fits by chance."""
    quantizer = quantizer_of([[0]], [[0.8], [0.6]])
    config, before = SemanticIdsConfig(hysteresis=10), table_of([[0, 1]], (1, 2))
    codes = {}
    for warm in (False, True):
        decision = Decision(action, "", warm, None)
        made = assign_semantic_ids(quantizer, np.ones((1, 1), np.float32), ids_of(0), config, before, decision)
        codes[warm] = made.codes.tolist()
        assert made.facts["common_items"] == 1
    assert codes == {False: [[0, 0]], True: [[0, 1]]}


def test_kept_items_count_as_off_their_nearest_path():
    """Nothing is moved to be unique, but both items have a path that is not their nearest, and the gate sees it."""
    before = table_of([[0, 2], [1, 0]], (2, 3))
    vectors = np.array([[-1], [1]], np.float32)
    facts = assign_semantic_ids(
        quantizer_of([[-1], [1]], [[0], [0.2], [0.4]]), vectors, ids_of(0, 1), CONFIG, before, KEEP
    ).facts
    assert facts["repaired_share"] == facts["kept_old_share"] == 0.5


def test_a_table_of_another_shape_is_not_held_on_to():
    """After a change of codebooks a full assignment starts afresh, and every common item churns."""
    quantizer, vectors, ids = numbered(*range(6))
    before = table_of([[k] for k in range(6)], (9,), ids=ids)
    facts = assign_semantic_ids(quantizer, vectors, ids, CONFIG, before, FULL).facts
    assert facts["churn"] == 1.0
    assert facts["kept_old_share"] == 0.0


def test_keeping_what_cannot_be_kept_is_refused():
    """keep and assign_new need a previous table of the quantiser's own levels."""
    quantizer, vectors, ids = numbered(0)
    with pytest.raises(ReleaseMismatch, match="no previous SID table"):
        assign_semantic_ids(quantizer, vectors, ids, CONFIG, None, KEEP)
    with pytest.raises(ReleaseMismatch, match=r"levels \[9\], but the quantiser has \[4, 6\]"):
        assign_semantic_ids(quantizer, vectors, ids, CONFIG, table_of([[0]], (9,), ids=ids), ASSIGN_NEW)
    with pytest.raises(ReleaseMismatch, match="uniqueness=suffix"):
        config = SemanticIdsConfig(uniqueness="suffix")
        assign_semantic_ids(quantizer, vectors, ids, config, table_of([[0, 0]], (4, 6), ids=ids), KEEP)


def test_uneven_rows_are_refused():
    """Each item has one vector."""
    quantizer, vectors, ids = numbered(0, 1)
    with pytest.raises(ShapeError, match="1 vectors for 2 item ids"):
        assign_semantic_ids(quantizer, vectors[:1], ids, CONFIG, None, FULL)


def test_hysteresis_keeps_the_longest_old_prefix_that_is_good_enough():
    """At 0.6: path 0.5 is best; an old path within the limit stays, else its prefix with a new tail, else nothing."""
    quantizer = quantizer_of([[0], [1]], [[0.5], [0.3], [-0.45]])  # 0.5 0.3 -0.45 and 1.5 1.3 0.55
    latents = np.full((3, 1), 0.6, np.float32)
    nearest = quantizer.assign(latents)
    assert nearest.tolist() == [[1, 2]] * 3  # 0.55, off by 0.05
    old = np.array([[0, 0], [0, 1], [1, 0]])  # off by 0.1, 0.3, 0.9
    assert keep_old_paths(quantizer, latents, nearest, old, 3.1).tolist() == [[0, 0], [0, 0], [1, 2]]
    assert keep_old_paths(quantizer, latents, nearest, old, 2.9).tolist() == [[1, 2]] * 3


def test_hysteresis_breaks_ties_for_the_old_path():
    """Of two equally good paths the item stays on the one it has, even at hysteresis 0."""
    quantizer = quantizer_of([[1], [-1]])
    latents = np.zeros((1, 1), np.float32)
    assert keep_old_paths(quantizer, latents, np.array([[0]]), np.array([[1]]), 0).tolist() == [[1]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 2))
def test_hysteresis_never_costs_more_than_it_may(seed, hysteresis):
    """Every result is within the limit, and an old path within it is always kept."""
    quantizer = random_quantizer((3, 4, 5), seed=seed)
    latents = unit_vectors(30, seed=seed)
    nearest = quantizer.assign(latents)
    old = quantizer.assign(unit_vectors(30, seed=seed + 1))
    limit = (1 + hysteresis) * squared_errors(quantizer, latents, nearest)
    kept = keep_old_paths(quantizer, latents, nearest, old, hysteresis)
    assert (squared_errors(quantizer, latents, kept) <= limit).all()
    good = squared_errors(quantizer, latents, old) <= limit
    assert (kept[good] == old[good]).all()


def test_completing_an_empty_prefix_is_the_greedy_path():
    """Completion from nothing equals assignment; from a whole path it changes nothing."""
    quantizer, latents = random_quantizer((3, 4, 5)), unit_vectors(9)
    nearest = quantizer.assign(latents)
    assert (complete_path(quantizer, latents, nearest[:, :0]) == nearest).all()
    assert (complete_path(quantizer, latents, nearest[:, :1]) == nearest).all()
    assert (complete_path(quantizer, latents, nearest[::-1]) == nearest[::-1]).all()


def test_churn_by_level_and_traffic():
    """Three common items: one whole, one from level 2, one from level 1; traffic weighs them 1, 2, 5."""
    before = table_of([[0, 0], [1, 1], [2, 2], [3, 3]], (4, 4), ids=ids_of(0, 1, 2, 3))
    now = np.array([[0, 0], [1, 0], [0, 2], [3, 1]])
    facts = measure_churn(before, ids_of(0, 1, 2, 9), now, np.array([1, 2, 5, 100]))
    assert facts == {
        "common_items": 3,
        "new_items": 1,
        "removed_items": 1,
        "churn": pytest.approx(2 / 3),
        "churn_by_level": [pytest.approx(1 / 3), pytest.approx(2 / 3)],
        "churn_traffic": pytest.approx(7 / 8),
        "churn_traffic_by_level": [pytest.approx(5 / 8), pytest.approx(7 / 8)],
    }


def test_churn_without_common_items_or_traffic_is_zero():
    """Nothing in common and no traffic divide nothing."""
    before = table_of([[0]], (4,), ids=ids_of(0))
    assert measure_churn(before, ids_of(1), np.array([[0]]))["churn"] == 0.0
    assert measure_churn(before, ids_of(0), np.array([[1]]), np.array([0]))["churn_traffic"] == 0.0
