"""A tiny, randomly initialised sentence-transformers model in a folder."""

import warnings
from pathlib import Path

import pytest
import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
DIM = 16


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Save a one-layer BERT over single characters, mean-pooled, with `DIM` dimensions and 32 positions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer, models
        from transformers import BertConfig, BertModel, BertTokenizerFast

        bare = folder.with_name(f"{folder.name}-bare")
        bare.mkdir()
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{each}" for each in LETTERS)]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            shape = BertConfig(
                vocab_size=len(words),
                hidden_size=DIM,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=32,
                max_position_embeddings=32,
            )
            BertModel(shape).save_pretrained(bare)
        BertTokenizerFast(vocab={word: index for index, word in enumerate(words)}).save_pretrained(bare)
        transformer = models.Transformer(str(bare), max_seq_length=32)
        pooling = models.Pooling(DIM)
        SentenceTransformer(modules=[transformer, pooling], device="cpu").save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model."""
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")
