"""What a set of semantic IDs is worth: held-out lift, variance explained, and what a short decoder makes of it."""

from typing import Any

import numpy as np

from sidflow.config import DecoderConfig, EvaluationConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.calibrate import fit_rescorer
from sidflow.decoder.cold import Search
from sidflow.decoder.fit import Trained, train_decoder
from sidflow.decoder.metrics import bootstrap_interval, ranking_metrics, recall_gains
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import measured_contexts, rank_contexts, validation_contexts
from sidflow.decoder.trie import build_trie
from sidflow.histories.table import Histories
from sidflow.pairs.table import Pairs
from sidflow.quantizer.sharing import cohesion

MAX_ITEMS, BEAM = 50, 20
CODES_ALONE: dict[str, Any] = {"dense_weight": 0.0, "item_dropout": 1.0, "rescore": False}
SHORT: dict[str, Any] = {"dim": 64, "dropout": 0.1, "code_dropout": 0.1, "batch_positions": 2_000, "lr": 5e-3}


def heldout_lift(histories: Histories, codes: np.ndarray) -> dict[str, list[float]]:
    """How much oftener than by chance a held-out event shares a prefix with the user's last training event.

    Args:
        histories: Users with training and validation events count; where they have test events, these too.
        codes: (N, L).

    Returns:
        Lift at prefixes of one and of two codes, for validation events alone, and pooled with test events; 0 where
        nothing is shared.
    """
    ends = histories.offsets[:-1] + histories.n_train
    users = (histories.n_train > 0) & (histories.n_validation > 0)
    tested = users & (np.diff(histories.offsets) > histories.n_train + histories.n_validation)
    last, validation = histories.items[ends[users] - 1], histories.items[ends[users]]
    test = histories.items[(ends + histories.n_validation)[tested]]
    both = np.concatenate([last, histories.items[ends[tested] - 1]]), np.concatenate([validation, test])
    return {
        name: [level["lift"] or 0.0 for level in cohesion(codes, *transitions)]
        for name, transitions in (("validation", (last, validation)), ("pooled", both))
    }


def short_decoder(dataset: Dataset, vectors: np.ndarray, epochs: int, seed: int) -> dict[str, Any]:
    """Recall and NDCG at 10 of a short decoder that has nothing but codes to tell items by.

    No dense head, no rescoring and no vectors of the items' own: a history is read as codes and text, and answered by
    beam search over codes. The last epoch counts.

    Args:
        dataset: Histories and SIDs.
        vectors: Content vectors, (N, D).
        epochs: Passes over the training histories.
        seed: Of the decoder.

    Returns:
        validation and test metrics over all users, the 95% interval of test Recall@10, and the seconds spent.
    """
    length = {"epochs": epochs, "validate_every": epochs, "patience": 0, "validation_users": 100}
    config = DecoderConfig(**CODES_ALONE, **SHORT, **length, seed=seed)
    trained = train_decoder(dataset, vectors, config, MAX_ITEMS)
    found = {split: _ranks(trained.decoder, dataset, vectors, BEAM, split) for split in ("validation", "test")}
    return _measured(trained, found)


def shipped_decoder(dataset: Dataset, vectors: np.ndarray, pairs: Pairs, epochs: int, seed: int) -> dict[str, Any]:
    """The same of the pipeline's own decoder, which has a dense head, vectors of the items' own and rescoring.

    Validation is measured before rescoring, whose weights are fitted on it.
    """
    trained = train_decoder(dataset, vectors, DecoderConfig(epochs=epochs, seed=seed), MAX_ITEMS)
    validation = _ranks(trained.decoder, dataset, vectors, EvaluationConfig().beam, "validation")
    fit_rescorer(trained.decoder, dataset, vectors, pairs)
    test = _ranks(trained.decoder, dataset, vectors, EvaluationConfig().beam, "test")
    return _measured(trained, {"validation": validation, "test": test})


def _ranks(decoder: Decoder, dataset: Dataset, vectors: np.ndarray, beam: int, split: str) -> np.ndarray:
    """The rank of every user's target among all items, 0 beyond 10, (users,)."""
    histories = dataset.histories
    contexts = measured_contexts(histories) if split == "test" else validation_contexts(histories)
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))
    return rank_contexts(search, histories.items, contexts, beam, 10, vectors=vectors).ranks


def _measured(trained: Trained, ranks: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        **{split: ranking_metrics(each, (10,)) for split, each in ranks.items()},
        "test_ci95": bootstrap_interval(recall_gains(ranks["test"], 10), 1_000),
        "epochs": trained.facts["epochs"],
        "seconds": round(trained.facts["seconds"], 1),
    }
