"""What prefixes share, by hand and against loops, and lift where raw figures mislead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.quantizer.sharing import cohesion, neighbour_recall, nmi, prefixes
from tests.quantizer.samples import clustered

CODES = np.array([[0, 0], [0, 1], [1, 0], [1, 0]], np.int16)


def test_prefixes_number_distinct_tuples() -> None:
    """Two codes, and none at all."""
    assert len(set(prefixes(CODES, 2).tolist())) == 3 and prefixes(CODES, 2)[2] == prefixes(CODES, 2)[3]
    assert prefixes(CODES, 0).tolist() == [0, 0, 0, 0]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 9))
def test_prefixes_are_numbered_in_lexicographic_order(seed: int, n: int, levels: int) -> None:
    """As numpy numbers unique rows, though nine levels of 32,768 codes overflow any integer key."""
    codes = np.random.default_rng(seed).choice([0, 1, 32_767], size=(n, levels)).astype(np.int16)
    expected = np.unique(codes, axis=0, return_inverse=True)[1].tolist()
    assert prefixes(codes, levels).tolist() == prefixes(codes).tolist() == expected


def test_no_items_have_no_prefixes() -> None:
    """An empty catalogue is no error."""
    assert prefixes(CODES[:0]).tolist() == []


def test_cohesion_by_hand() -> None:
    """One of two pairs shares its first code; of the two crossed couples, (0, 3) no and (2, 1) no."""
    report = cohesion(CODES, np.array([0, 2]), np.array([1, 0]))
    assert report[0] == {"level": 1, "pairs": 2, "share": 0.5, "chance": 0.5, "lift": 1.0}
    assert report[1]["share"] == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
def test_chance_equals_all_crossed_couples(seed: int, m: int) -> None:
    """Chance is the share among ends of different pairs, by a double loop."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=(10, 2)).astype(np.int16)
    left, right = rng.integers(10, size=m), rng.integers(10, size=m)
    crossed = [codes[left[i], 0] == codes[right[j], 0] for i in range(m) for j in range(m) if i != j]
    assert cohesion(codes, left, right)[0]["chance"] == pytest.approx(np.mean(crossed), abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
def test_chance_of_unordered_pairs_equals_all_couples_of_ends(seed: int, m: int) -> None:
    """Chance is the share among any two ends of different pairs, by a double loop."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(3, size=(10, 2)).astype(np.int16)
    ends = rng.integers(10, size=(m, 2))
    crossed = [
        codes[x, 0] == codes[y, 0] for i in range(m) for j in range(m) if i != j for x in ends[i] for y in ends[j]
    ]
    found = cohesion(codes, *ends.T, ordered=False)[0]["chance"]
    assert found == pytest.approx(np.mean(crossed), abs=1e-8)


def test_turning_unordered_pairs_around_changes_nothing() -> None:
    """Ids in the order of codes make left ends unlike right ones; only ordered chance sees that."""
    codes = np.repeat([[0, 0], [1, 1]], 50, axis=0)
    left, right = np.arange(0, 50), np.arange(50, 100)
    left[:10], right[40:] = right[:10], left[40:]  # twenty of fifty pairs share a code
    turned = np.arange(50) % 2 == 0
    about = np.where(turned, right, left), np.where(turned, left, right)
    assert cohesion(codes, left, right, ordered=False) == cohesion(codes, *about, ordered=False)
    assert cohesion(codes, left, right) != cohesion(codes, *about)


def test_collapse_raises_the_share_but_not_the_lift() -> None:
    """All items on one code: every pair shares it, and so does everything else."""
    report = cohesion(np.zeros((6, 2), np.int16), np.array([0, 1, 2]), np.array([3, 4, 5]))
    assert report[0]["share"] == 1 and report[0]["lift"] == 1


def test_one_pair_has_no_chance_level() -> None:
    """No couple of different pairs to compare with."""
    assert cohesion(CODES, np.array([0]), np.array([1]))[0]["lift"] is None


def test_nmi_is_one_for_the_same_partition() -> None:
    """Whatever the names; shuffled labels score far less."""
    codes = np.arange(300) % 3
    report = nmi(codes, ["abc"[code] for code in codes])
    assert report["share"] == pytest.approx(1) and report["lift"] > 20


def test_nmi_of_one_label_is_zero() -> None:
    """Nothing to know."""
    assert nmi(np.arange(4) % 2, ["same"] * 4)["share"] == 0


def test_neighbour_recall_equals_a_loop() -> None:
    """Nearest by cosine to the centred vectors, among all others."""
    vectors, codes = clustered(60), (np.arange(60) % 8)[:, None].astype(np.int16)
    mean = vectors.mean(0)
    unit = (vectors - mean) / np.linalg.norm(vectors - mean, axis=1, keepdims=True)
    hits, chance = [], []
    for item in range(60):
        others = [other for other in np.argsort(-(unit @ unit[item])) if other != item]
        hits += [codes[other, 0] == codes[item, 0] for other in others[:10]]
        chance.append(np.mean([codes[other, 0] == codes[item, 0] for other in others]))
    (report,) = neighbour_recall(vectors, codes, mean)
    assert report["share"] == pytest.approx(np.mean(hits), abs=1e-6)
    assert report["chance"] == pytest.approx(np.mean(chance), abs=1e-6)
