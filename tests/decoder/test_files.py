"""A decoder on disk."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sidflow.decoder.files import load_decoder, save_decoder
from sidflow.errors import CorruptArtifact, ReleaseMismatch
from tests.decoder.worlds import random_decoder, sids_of

SIDS = sids_of(np.array([[0, 0], [0, 1], [1, 0]]))


def saved(folder: Path) -> dict[str, Path]:
    """A saved decoder whose files carry other names on disk, as in the store."""
    save_decoder(random_decoder(SIDS), folder)
    return {path.name: path.rename(folder / f"part-{path.name}") for path in list(folder.iterdir())}


def test_round_trip(tmp_path: Path) -> None:
    """Weights, settings and item table come back as they were."""
    before, after = random_decoder(SIDS), load_decoder(saved(tmp_path), SIDS)
    vectors = np.ones((3, 6), np.float32)
    assert not after.training
    assert after.config == before.config and after.max_items == before.max_items
    assert torch.equal(after.item_table(vectors), before.item_table(vectors))


def test_another_sid_table_is_refused(tmp_path: Path) -> None:
    """The field's silent failure is loud here."""
    files = saved(tmp_path)
    with pytest.raises(ReleaseMismatch, match="its codes mean other items there"):
        load_decoder(files, sids_of(np.array([[0, 1], [0, 0], [1, 0]])))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """A description of another width is noticed."""
    files = saved(tmp_path)
    description = json.loads(files["decoder.json"].read_text())
    description["config"]["dim"] = 32
    files["decoder.json"].write_text(json.dumps(description))
    with pytest.raises(CorruptArtifact, match=r"do not fit decoder\.json"):
        load_decoder(files, SIDS)
