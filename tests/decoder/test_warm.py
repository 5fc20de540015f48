"""Warm start: what still means the same is carried over."""

import numpy as np
import pyarrow as pa
import torch

from sidflow.decoder.fit import train_decoder
from sidflow.decoder.warm import warm_start
from tests.decoder.worlds import SMALL, planted_dataset, random_decoder, sids_of

OLD = sids_of(np.array([[0, 0], [0, 1], [1, 0]]), pa.array(["a", "b", "c"]))
NEW = sids_of(np.array([[1, 1], [0, 1], [1, 0], [0, 0]]), pa.array(["aa", "b", "c", "d"]))


def test_own_vectors_follow_item_ids() -> None:
    """Items keep their vectors under another index; new ones keep their fresh start."""
    old, new = random_decoder(OLD), random_decoder(NEW, seed=1)
    fresh = new.items.own.weight.detach().clone()
    facts = warm_start(new, old)
    assert facts == {"items": 2, "tensors_reset": 0}
    assert torch.equal(new.items.own.weight[1:3], old.items.own.weight[1:3])
    assert torch.equal(new.items.own.weight[[0, 3]], fresh[[0, 3]])


def test_code_tables_keep_their_rows() -> None:
    """Aligned codes keep their meaning."""
    old, new = random_decoder(OLD), random_decoder(NEW, seed=1)
    warm_start(new, old)
    assert torch.equal(new.levels.outputs[0].weight, old.levels.outputs[0].weight)
    assert torch.equal(new.history.positions.weight, old.history.positions.weight)


def test_tables_of_another_size_start_afresh() -> None:
    """A level with more codes is not copied in part."""
    bigger = sids_of(np.array([[0, 0], [0, 5], [1, 0], [0, 1]]), NEW.item_ids)
    old, new = random_decoder(OLD), random_decoder(bigger, seed=1)
    fresh = new.levels.outputs[1].weight.detach().clone()
    facts = warm_start(new, old)
    assert torch.equal(new.levels.outputs[1].weight, fresh)
    assert facts["tensors_reset"] == 3  # the level's input table, output weights and biases


def test_content_of_another_width_starts_afresh() -> None:
    """Another text model: its projection and its scale are new, the rest is carried over."""
    old, new = random_decoder(OLD), random_decoder(NEW, content=9, seed=1)
    new.items.content_scale.fill_(7.0)
    assert warm_start(new, old) == {"items": 2, "tensors_reset": 4}
    assert new.items.content_scale.item() == 7.0


def test_another_width_carries_nothing() -> None:
    """A wider model starts cold."""
    old, new = random_decoder(OLD), random_decoder(NEW, dim=32)
    assert warm_start(new, old)["items"] == 0


def test_what_is_trained_on_is_the_new_run_s() -> None:
    """Which items have training events is never inherited."""
    old, new = random_decoder(OLD), random_decoder(NEW)
    new.items.known[:] = torch.tensor([True, False, False, True])
    warm_start(new, old)
    assert new.items.known.tolist() == [True, False, False, True]


def test_warm_training_is_shorter_and_starts_better() -> None:
    """A third of the epochs at a third of the rate, from a better place."""
    dataset, vectors = planted_dataset()
    config = SMALL.model_copy(update={"epochs": 10, "lr": 5e-3})
    first = train_decoder(dataset, vectors, config, 10)
    warm = train_decoder(dataset, vectors, config, 10, initial=first.decoder)
    assert warm.facts["epochs"] <= 3
    assert warm.facts["start"] == {"items": 40, "tensors_reset": 0}
    assert warm.curve[0]["loss_levels"] < first.curve[0]["loss_levels"]
