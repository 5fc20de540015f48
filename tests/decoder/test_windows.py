"""Training windows: all targets once, nothing else, little padding."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidflow.decoder.windows import batches, cut_windows, gather_batch
from tests.decoder.worlds import histories_by_hand


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=8),
    st.integers(2, 12),
    st.integers(4, 40),
    st.integers(0, 99),
)
def test_every_training_target_once(users: list[tuple[int, int]], max_items: int, positions: int, seed: int) -> None:
    """Over an epoch the counting positions are exactly all events of training prefixes but the first."""
    rows, item = [], 0
    for n, rest in users:
        rows.append(list(range(item, item + n + rest)))
        item += n + rest
    histories = histories_by_hand(rows, [n for n, _ in users], [rest for _, rest in users], item)
    generator = np.random.default_rng(seed)
    windows = cut_windows(histories, max_items, generator)
    targets, inputs = [], []
    for chosen in batches(windows, positions, generator):
        batch = gather_batch(histories.items, windows, chosen)
        assert batch.items.shape[1] <= max_items
        assert batch.items.size <= max(positions, batch.items.shape[1])
        targets += batch.targets.tolist()
        inputs += batch.items[batch.rows, batch.steps].tolist()
    assert sorted(targets) == [item for row, (n, _) in zip(rows, users, strict=True) for item in row[1:n]]
    assert [target - 1 for target in targets] == inputs


def test_later_windows_keep_half_their_context() -> None:
    """A target beyond the first window sees at least half a window of items."""
    histories = histories_by_hand([list(range(100))], [100], [0], 100)
    windows = cut_windows(histories, 10, np.random.default_rng(0))
    assert (windows.lengths <= 10).all()
    assert (windows.firsts[1:] >= 4).all()
    assert windows.firsts[0] == 0


def test_cuts_move_between_epochs() -> None:
    """Long histories are cut elsewhere in the next epoch."""
    histories = histories_by_hand([list(range(100))] * 5, [100] * 5, [0] * 5, 100)
    generator = np.random.default_rng(0)
    assert not np.array_equal(
        cut_windows(histories, 10, generator).starts, cut_windows(histories, 10, generator).starts
    )


def test_no_training_pairs_no_windows() -> None:
    """Users with one training event or none give nothing to learn."""
    histories = histories_by_hand([[1], [], [2, 3]], [1, 0, 1], [0, 0, 1], 4)
    assert len(cut_windows(histories, 5, np.random.default_rng(0)).starts) == 0


def test_batch_literal() -> None:
    """Two windows side by side, padding repeated from the first item, targets one further."""
    histories = histories_by_hand([[5, 6, 7], [8, 9]], [3, 2], [0, 0], 10)
    windows = cut_windows(histories, 4, np.random.default_rng(0))
    batch = gather_batch(histories.items, windows, np.array([0, 1]))
    assert batch.items.tolist() == [[5, 6], [8, 8]]
    assert batch.lengths.tolist() == [2, 1]
    assert list(zip(batch.rows.tolist(), batch.steps.tolist(), batch.targets.tolist(), strict=True)) == [
        (0, 0, 6),
        (0, 1, 7),
        (1, 0, 9),
    ]
