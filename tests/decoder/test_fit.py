"""Training: deterministic, able to learn, blind to what it must not see."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sidflow.dataset.build import Dataset
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.model import Decoder
from sidflow.errors import ConfigError, TrainingDiverged
from tests.decoder.worlds import SMALL, histories_by_hand, planted_dataset, sids_of


def weights(decoder: Decoder) -> bytes:
    """All weights as bytes."""
    return b"".join(tensor.numpy().tobytes() for _, tensor in sorted(decoder.state_dict().items()))


def test_same_seed_same_bits() -> None:
    """Two trainings of one seed agree in every bit, whatever the global random state; another seed differs."""
    dataset, vectors = planted_dataset()
    first = train_decoder(dataset, vectors, SMALL, 10)
    torch.manual_seed(123)
    again = train_decoder(dataset, vectors, SMALL, 10)
    other = train_decoder(dataset, vectors, SMALL.model_copy(update={"seed": 1}), 10)
    assert weights(first.decoder) == weights(again.decoder) != weights(other.decoder)


def test_global_random_state_is_left_alone() -> None:
    """Training draws nothing from the caller's stream."""
    dataset, vectors = planted_dataset(users=10)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_decoder(dataset, vectors, SMALL.model_copy(update={"epochs": 1}), 10)
    assert torch.equal(torch.rand(3), expected)


def test_drawn_candidates_are_deterministic_too() -> None:
    """The sampled softmax keeps the promise of equal bits."""
    dataset, vectors = planted_dataset()
    config = SMALL.model_copy(update={"dense_candidates": 20})
    pair = [weights(train_decoder(dataset, vectors, config, 10).decoder) for _ in range(2)]
    assert pair[0] == pair[1]


def test_learns_a_cycle_of_32_items() -> None:
    """Histories that walk a cycle are continued without error."""
    rows = [[(start + step) % 32 for step in range(9)] for start in range(32)]
    histories = histories_by_hand(rows, [7] * 32, [1] * 32, 32)
    sids = sids_of(np.array([[item % 6, item // 6] for item in range(32)]))
    vectors = np.random.default_rng(0).standard_normal((32, 8)).astype(np.float32)
    config = SMALL.model_copy(update={"dim": 32, "dropout": 0.0, "epochs": 40, "lr": 0.01, "validate_every": 10})
    trained = train_decoder(Dataset(histories, sids), vectors, config, 8)
    assert trained.facts["validation"]["recall@5"] == 1.0
    assert trained.curve[-1]["loss_levels"] < trained.curve[0]["loss_levels"]


def test_validation_and_test_events_are_never_learned() -> None:
    """Other items in the held-out places leave the weights of a training without selection as they were."""
    dataset, vectors = planted_dataset()
    histories = dataset.histories
    config = SMALL.model_copy(update={"epochs": 1})
    swapped = histories.items.copy()
    for user, n in enumerate(histories.n_train):
        swapped[histories.offsets[user] + n : histories.offsets[user + 1]] = 0
    changed = Dataset(replace(histories, items=swapped), dataset.sids)
    one, two = (train_decoder(each, vectors, config, 10) for each in (dataset, changed))
    assert weights(one.decoder) == weights(two.decoder)


def test_without_validation_the_last_weights_stay() -> None:
    """No validation events, no selection."""
    histories = histories_by_hand([[0, 1, 2], [1, 2, 0]], [3, 3], [0, 0], 3)
    dataset = Dataset(histories, sids_of(np.array([[0, 0], [0, 1], [1, 0]])))
    trained = train_decoder(dataset, np.eye(3, 4, dtype=np.float32), SMALL, 10)
    assert trained.facts["best_epoch"] == SMALL.epochs
    assert trained.facts["validation"] == {}


def test_best_weights_are_kept_and_patience_stops() -> None:
    """A learning rate that ruins the model costs nothing but the epochs of patience."""
    dataset, vectors = planted_dataset()
    config = SMALL.model_copy(update={"epochs": 40, "patience": 2, "lr": 0.5, "clip_norm": 1e3, "warmup": 0.0})
    trained = train_decoder(dataset, vectors, config, 10)
    best = max(trained.curve, key=lambda row: row["ndcg@10"])
    assert trained.facts["best_epoch"] == best["epoch"]
    assert trained.facts["validation"]["ndcg@10"] == best["ndcg@10"]
    assert trained.facts["epochs"] < 40


def test_progress_and_metrics_are_reported() -> None:
    """Steps count up to their total; each row of the curve is handed out when it is made."""
    dataset, vectors = planted_dataset()
    steps: list[tuple[int, int]] = []
    rows: list[dict[str, Any]] = []
    trained = train_decoder(
        dataset, vectors, SMALL, 10, on_progress=lambda done, total: steps.append((done, total)), on_metrics=rows.append
    )
    count = trained.facts["steps"]
    assert steps == [(done, count) for done in [*range(1, count + 1), count]]
    assert rows == trained.curve
    told = {"epoch", "step", "positions", "seconds", "positions_per_second", "lr", "loss_levels", "loss_dense"}
    assert set(rows[0]) == told | {"recall@5", "recall@10", "ndcg@5", "ndcg@10"}
    assert rows[0]["lr"] > rows[1]["lr"] >= 0
    facts, speeds = trained.facts, [row["positions_per_second"] for row in rows]
    assert 0 < min(speeds) <= facts["positions_per_second"] <= max(speeds)
    assert facts["positions_per_second"] > facts["positions"] / facts["seconds"]  # which has a validation in it


def test_an_early_stop_is_the_end_of_progress() -> None:
    """Patience leaves most of the plan undone; the last report is that all is done."""
    dataset, vectors = planted_dataset(users=10)
    config = SMALL.model_copy(update={"epochs": 40, "patience": 1})
    steps: list[tuple[int, int]] = []
    trained = train_decoder(dataset, vectors, config, 10, on_progress=lambda *step: steps.append(step))
    total = steps[0][1]
    assert trained.facts["steps"] < total
    assert steps == [*((done, total) for done in range(1, trained.facts["steps"] + 1)), (total, total)]


def test_a_row_tells_of_all_epochs_since_the_last() -> None:
    """Rows of every third epoch and of the last have the mean losses of the rows of every epoch."""
    dataset, vectors = planted_dataset()
    every, third = (
        train_decoder(dataset, vectors, SMALL.model_copy(update={"epochs": 8, "validate_every": each}), 10).curve
        for each in (1, 3)
    )
    assert [row["epoch"] for row in third] == [3, 6, 8]
    for name in ("loss_levels", "loss_dense"):
        losses = [row[name] for row in every]
        expected = [np.mean(losses[start : start + 3]) for start in (0, 3, 6)]
        assert [row[name] for row in third] == pytest.approx(expected, rel=1e-6)
        assert len(set(np.round(losses, 4))) == 8
    assert [row["positions"] for row in third] == [every[row["epoch"] - 1]["positions"] for row in third]


def test_divergence_is_told() -> None:
    """A learning rate beyond all reason stops training with a next step, before the weights are lost."""
    dataset, vectors = planted_dataset(users=10)
    config = SMALL.model_copy(update={"lr": 1e37, "epochs": 20})
    with pytest.raises(TrainingDiverged, match=r"loss .* at learning rate .*; both must be finite\. Lower decoder\.lr"):
        train_decoder(dataset, vectors, config, 10)


def test_heads_must_divide_the_width() -> None:
    """The message names both settings."""
    dataset, vectors = planted_dataset(users=10)
    with pytest.raises(ConfigError, match=r"decoder\.dim=16 is not a multiple of decoder\.heads=3"):
        train_decoder(dataset, vectors, SMALL.model_copy(update={"heads": 3}), 10)
