"""The stage: catalogue in, embeddings and facts out."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sidflow.config import EmbeddingConfig
from sidflow.embedding import encode
from sidflow.embedding.cache import SUFFIX
from sidflow.embedding.encode import encode_items, encoder_identity
from tests.embedding.conftest import DIM, save_tiny_model

TITLES = ["red lipstick", "soap", "soap", "mirror", "brush"]


def catalogue(titles: list[str | None] = TITLES, **columns: object) -> pa.Table:
    """A catalogue of some titles."""
    ids = [f"i{row}" for row in range(len(titles))]
    return pa.table({"item_id": ids, "title": pa.array(titles, pa.string()), **columns})


@pytest.fixture
def config(tiny_model) -> EmbeddingConfig:
    """The tiny model in float32."""
    return EmbeddingConfig(model=str(tiny_model), precision="float32", max_tokens=8)


def test_facts(config, tmp_path):
    """Every number of a first and of a second run."""
    _, facts = encode_items(catalogue(), config, tmp_path)
    expected = {
        "items": 5,
        "dim": DIM,
        "texts": 4,
        "encoded": 4,
        "from_cache": 0,
        "empty_texts": 0,
        "truncated_texts": 1,
        "without_vector": {},
        "distinct_share": 0.8,
        "finite": True,
        "model": config.model,
        "precision": "float32",
    }
    assert facts.items() >= expected.items()
    _, again = encode_items(catalogue(), config, tmp_path)
    assert again.items() >= (expected | {"encoded": 0, "from_cache": 4}).items()


def test_equal_texts_have_equal_vectors_in_catalogue_order(config):
    """Items keep their rows."""
    embeddings, _ = encode_items(catalogue(), config, None)
    assert embeddings.item_ids.to_pylist() == ["i0", "i1", "i2", "i3", "i4"]
    same = (embeddings.vectors[:, None] == embeddings.vectors[None]).all(axis=2)
    np.testing.assert_array_equal(same, np.eye(5) + np.eye(5)[[0, 2, 1, 3, 4]] * np.array([[0], [1], [1], [0], [0]]))


def test_the_cache_changes_no_vector(config, tmp_path):
    """Encoded at once, from the cache, or some of both: the same."""
    fresh, _ = encode_items(catalogue(), config, None)
    encode_items(catalogue(["soap", "brush"]), config, tmp_path)
    mixed, facts = encode_items(catalogue(), config, tmp_path)
    cached, _ = encode_items(catalogue(), config, tmp_path)
    assert (facts["encoded"], facts["from_cache"]) == (2, 2)
    np.testing.assert_allclose(mixed.vectors, fresh.vectors, atol=1e-6)
    np.testing.assert_array_equal(cached.vectors, mixed.vectors)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_batch_size_changes_no_vector(config, batch_size):
    """It is an operational setting."""
    usual, _ = encode_items(catalogue(), config, None)
    other, _ = encode_items(catalogue(), config.model_copy(update={"batch_size": batch_size}), None)
    np.testing.assert_allclose(other.vectors, usual.vectors, atol=1e-6)


@pytest.mark.parametrize("change", [{"max_tokens": 9}, {"precision": "bfloat16"}])
def test_other_settings_do_not_hit_the_cache(config, tmp_path, change):
    """What changes a vector is in its key."""
    encode_items(catalogue(), config, tmp_path)
    _, facts = encode_items(catalogue(), config.model_copy(update=change), tmp_path)
    assert facts["from_cache"] == 0


def test_another_model_does_not_hit_the_cache(config, tmp_path):
    """Nor does a model of the same shape with other weights."""
    encode_items(catalogue(), config, tmp_path / "cache")
    other = config.model_copy(update={"model": str(save_tiny_model(tmp_path / "other", seed=1))})
    _, facts = encode_items(catalogue(), other, tmp_path / "cache")
    assert facts["from_cache"] == 0


def test_items_without_text_take_title_or_id(config):
    """Counted, and never an empty text."""
    table = catalogue(["soap", None, "gel"], brand=["acme", "", None])
    embeddings, facts = encode_items(table, config.model_copy(update={"template": "{brand}"}), None)
    expected, _ = encode_items(catalogue(["acme", "i1", "gel"]), config, None)
    assert facts["empty_texts"] == 2
    np.testing.assert_allclose(embeddings.vectors, expected.vectors, atol=1e-6)


def test_precomputed_vectors_stand_beside_the_text(config):
    """Half the weight each, counted where there is none, and every row of unit length."""
    table = catalogue(["soap", "gel"], image=pa.array([[3.0, 4.0], None]))
    embeddings, facts = encode_items(table, config.model_copy(update={"vectors": ("image",)}), None)
    text, _ = encode_items(table, config, None)
    assert facts["without_vector"] == {"image": 1}
    assert facts["dim"] == DIM + 2
    np.testing.assert_allclose(embeddings.vectors[0, :DIM] * np.sqrt(2), text.vectors[0], rtol=1e-5)
    np.testing.assert_allclose(embeddings.vectors[0, DIM:] * np.sqrt(2), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(embeddings.vectors[1], [*text.vectors[1], 0, 0], rtol=1e-5)


def test_progress_counts_texts_that_are_encoded(config):
    """Ends at the number of distinct texts."""
    seen: list[tuple[int, int]] = []
    encode_items(catalogue(), config, None, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_an_interrupted_run_keeps_what_it_has_done(config, tmp_path):
    """An exception in the middle of an encode costs one batch, not the work before it."""

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    slow = config.model_copy(update={"batch_size": 1})
    with pytest.raises(KeyboardInterrupt):
        encode_items(catalogue(), slow, tmp_path, interrupt)
    _, facts = encode_items(catalogue(), slow, tmp_path)
    assert (facts["from_cache"], facts["encoded"]) == (2, 2)


def test_a_killed_run_resumes(config, tmp_path):
    """SIGKILL right after a batch was kept: the next run takes that batch from the cache."""
    script = f"""
import os, signal
import pyarrow as pa
from sidflow.config import EmbeddingConfig
from sidflow.embedding import encode
from pathlib import Path
encode.KEEP_SECONDS = 0
table = pa.table({{"item_id": ["a", "b", "c"], "title": ["soap", "mirror", "gel"]}})
config = EmbeddingConfig(model={config.model!r}, precision="float32", max_tokens=8, batch_size=1)
def kill(done, total):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
encode.encode_items(table, config, Path({str(tmp_path)!r}), kill)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.run([sys.executable, "-c", script], env=environment, cwd=Path(encode.__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    _, facts = encode_items(catalogue(["soap", "mirror", "gel"]), config, tmp_path)
    assert (facts["from_cache"], facts["encoded"]) == (1, 2)


def test_a_deleted_cache_costs_time_only(config, tmp_path):
    """Vectors are the same after the files are gone."""
    before, _ = encode_items(catalogue(), config, tmp_path)
    for path in tmp_path.glob(f"*{SUFFIX}"):
        path.unlink()
    after, facts = encode_items(catalogue(), config, tmp_path)
    assert facts["encoded"] == 4
    np.testing.assert_array_equal(after.vectors, before.vectors)


def test_one_summary_line(config, caplog):
    """Counts in and out."""
    with caplog.at_level(logging.INFO, logger="sidflow.embedding"):
        encode_items(catalogue(), config, None)
    (message,) = caplog.messages
    assert message.startswith("embeddings: 5 items, 4 texts encoded, 0 from the cache, 16 dimensions")


@pytest.mark.parametrize(
    "change", [{"template": "{title}!"}, {"max_tokens": 9}, {"precision": "bfloat16"}, {"vectors": ("image",)}]
)
def test_identity_follows_what_decides_on_the_space(config, change):
    """Each setting that changes vectors changes the identity."""
    assert encoder_identity(config.model_copy(update=change)) != encoder_identity(config)


def test_identity_ignores_how_fast(config):
    """The batch size is no part of it."""
    assert encoder_identity(config.model_copy(update={"batch_size": 1})) == encoder_identity(config)
