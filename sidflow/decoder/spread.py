"""Lists that are less alike: temperature by level, and a quota of items under one prefix."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Spread:
    """How far a search spreads.

    Attributes:
        temperatures: Per level, what the codes' logits are divided by; above 1 rarer codes come nearer. Levels that are
            not named, the later ones, have 1.
        quota: Most items of a list under one prefix; None: any number.
        quota_level: Length of that prefix.
    """

    temperatures: tuple[float, ...] = ()
    quota: int | None = None
    quota_level: int = 1

    def temperature(self, level: int) -> float:
        """Of a level, counted from 0."""
        return self.temperatures[level] if level < len(self.temperatures) else 1.0


def cap_groups(scores: Tensor, groups: Tensor, most: int) -> Tensor:
    """Scores (B, M) with -inf in all but the `most` best of each group (B, M); ties go to the earlier place."""
    best_first = scores.argsort(dim=1, descending=True, stable=True)
    ranked = groups.gather(1, best_first)
    together = ranked.argsort(dim=1, stable=True)
    ranked, source = ranked.gather(1, together), best_first.gather(1, together)
    place = torch.arange(scores.shape[1], device=scores.device).expand_as(ranked)
    fresh = torch.nn.functional.pad(ranked[:, 1:] != ranked[:, :-1], (1, 0), value=True)
    first = place.masked_fill(~fresh, 0).cummax(1).values
    return scores.scatter(1, source, scores.gather(1, source).masked_fill(place - first >= most, -torch.inf))
