"""What of each history may be learned from, and what is only measured on."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sidflow.durations import duration_us


class Split(NamedTuple):
    """Per user, (u,) int32: the first n_train events may be learned from, the next n_validation are validation."""

    n_train: npt.NDArray[np.int32]
    n_validation: npt.NDArray[np.int32]


class Cuts(NamedTuple):
    """Bounds of the time split, UTC microseconds: train < cut <= validation < middle <= test."""

    cut_us: int
    middle_us: int


def split_last_out(lengths: npt.NDArray[np.int64]) -> Split:
    """Each user's last event is for test, the one before for validation; users of fewer than three are all training.

    Args:
        lengths: Events per user, (u,).
    """
    measured = lengths >= 3
    return Split(np.where(measured, lengths - 2, lengths).astype(np.int32), measured.astype(np.int32))


def split_by_time(offsets: npt.NDArray[np.int64], timestamps: npt.NDArray[np.int64], cuts: Cuts) -> Split:
    """Events before the cut are training, those before the middle validation, the rest test.

    Shapes: u users, n events.

    Args:
        offsets: Where each user's events begin, (u + 1,).
        timestamps: UTC microseconds, (n,), ascending within a user.
        cuts: The bounds.
    """
    before_cut = _counts(offsets, timestamps < cuts.cut_us)
    before_middle = _counts(offsets, timestamps < cuts.middle_us)
    return Split(before_cut.astype(np.int32), (before_middle - before_cut).astype(np.int32))


def time_cuts(as_of_us: int, holdout: str) -> Cuts:
    """The bounds of a holdout that ends at `as_of_us`; its first half is validation, its second test.

    Args:
        as_of_us: Exclusive end of the log, UTC microseconds.
        holdout: A length such as 12h, 7d or 4w.
    """
    length = duration_us(holdout)
    return Cuts(as_of_us - length, as_of_us - length + length // 2)


def _counts(offsets: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Chosen events per user."""
    running = np.concatenate([[0], np.cumsum(chosen)])
    return np.asarray(running[offsets[1:]] - running[offsets[:-1]])
