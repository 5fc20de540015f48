"""Model selection: the weights that rank validation targets best are kept, and training stops when none better come."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from sidflow.dataset.build import Dataset
from sidflow.decoder.cold import Search
from sidflow.decoder.metrics import ranking_metrics
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import Contexts, drawn_contexts, rank_contexts
from sidflow.decoder.team import Team
from sidflow.decoder.trie import Trie, build_trie

METRIC = "ndcg@10"


@dataclass
class Selection:
    """The best weights so far, by NDCG@10 of beam search on validation targets.

    Attributes:
        items: The histories' events.
        contexts: What is ranked; without any, the newest weights are the best.
        trie: SIDs that exist.
        vectors: Content vectors, (N, D).
        team: Processes that share the contexts.
        best: Metrics of the best weights.
        epoch: When they came; 0 before the first validation.
        stale: Validations since.
    """

    items: np.ndarray
    contexts: Contexts
    trie: Trie
    vectors: np.ndarray
    team: Team = field(default_factory=Team)
    best: dict[str, float] = field(default_factory=dict)
    epoch: int = 0
    stale: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def consider(self, decoder: Decoder, epoch: int) -> dict[str, float]:
        """Measure the decoder, keep its weights if they are the best, and return its metrics."""
        metrics = self.measure(decoder)
        if not self.weights or not metrics or metrics[METRIC] > self.best[METRIC]:
            self.best, self.epoch, self.stale = metrics, epoch, 0
            self.weights = {name: tensor.clone() for name, tensor in decoder.state_dict().items()}
        else:
            self.stale += 1
        return metrics

    def measure(self, decoder: Decoder) -> dict[str, float]:
        """Recall and NDCG at 5 and 10 of validation targets; empty without any."""
        if not len(self.contexts.users):
            return {}
        decoder.eval()
        beam = decoder.config.validation_beam
        mine = self.contexts.take(self.team.part(np.arange(len(self.contexts.users))))
        search = Search(decoder, decoder.item_table(self.vectors), self.trie)
        ranking = rank_contexts(search, self.items, mine, beam, 10)
        return ranking_metrics(self.team.gather(ranking.ranks, len(self.contexts.users)), (5, 10))

    def exhausted(self, patience: int) -> bool:
        """Whether `patience` validations (0: any number) went by without a better one."""
        return 0 < patience <= self.stale

    def restore(self, decoder: Decoder) -> None:
        """Put the best weights back."""
        decoder.load_state_dict(self.weights)

    def state(self) -> dict[str, Any]:
        """What was selected so far."""
        return {"best": self.best, "epoch": self.epoch, "stale": self.stale, "weights": self.weights}

    def go_on(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.best, self.epoch, self.stale = state["best"], state["epoch"], state["stale"]
        self.weights = state["weights"]


def make_selection(decoder: Decoder, dataset: Dataset, vectors: np.ndarray, team: Team) -> Selection:
    """A selection on at most `validation_users` users, drawn once by the decoder's seed."""
    contexts = drawn_contexts(dataset.histories, decoder.config.validation_users, decoder.config.seed)
    trie = build_trie(dataset.sids.codes)
    return Selection(dataset.histories.items, contexts, trie, vectors, team)


def summary(selection: Selection) -> dict[str, Any]:
    """Facts of a selection: best_epoch, validation (metrics of the best weights) and validation_users."""
    return {
        "best_epoch": selection.epoch,
        "validation": selection.best,
        "validation_users": len(selection.contexts.users),
    }
