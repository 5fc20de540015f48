"""What chance predicts for a pair: three notions of how often two items would meet by accident."""

from typing import Literal, NamedTuple

import numpy as np

MarginsKind = Literal["pair", "kappa", "user"]


class Margins(NamedTuple):
    """Expected support of items i and j: `values[i] * values[j] * scale`."""

    values: np.ndarray  # (N,) float64
    scale: float

    def expected(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Users that each pair has by chance, (m,) float64."""
        return np.asarray(self.values[a] * self.values[b] * self.scale)


def make_margins(
    kind: MarginsKind, pair_margins: np.ndarray, tokens: int, item_users: np.ndarray, users: int
) -> Margins:
    """Margins of one kind, from totals over all observed pairs.

    - `pair`: c_a c_b / (2 T). Right under windows, gaps, caps and unequally active users; the default.
    - `kappa`: n_a n_b, scaled by one number so that expectations add up to T. Right on average, not item by item.
    - `user`: n_a n_b / users, the margins of the usual 2x2 table. With unequally active users every pair exceeds it,
      and with windows few do: kept to compare with what others report.

    Args:
        kind: Which.
        pair_margins: c_i = sum over partners of the pairs' support, (N,), int64.
        tokens: T, the support of all pairs.
        item_users: n_i, distinct users of an item, (N,), int64.
        users: Users with any event.
    """
    match kind:
        case "pair":
            return Margins(pair_margins.astype(np.float64), 1.0 / (2.0 * max(tokens, 1)))
        case "kappa":
            n = item_users.astype(np.float64)
            products = (n.sum() ** 2 - (n**2).sum()) / 2.0
            return Margins(n, tokens / products if products > 0 else 0.0)
        case "user":
            return Margins(item_users.astype(np.float64), 1.0 / max(users, 1))
