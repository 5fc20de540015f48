"""What makes the vectors of now comparable with those of before."""

from pathlib import Path

from sidflow.artifacts import Store
from sidflow.embedding.table import read_embeddings
from tasks.decide_refresh import _encoder


def test_the_width_of_vectors_is_part_of_their_encoder(two_releases: Path) -> None:
    """Ready-made vectors may change their width under the same settings; that is another encoder, not a warm refit."""
    store = Store(str(two_releases / "store"))
    embeddings = store.artifact(next(store.manifests("embeddings")))
    encoder = _encoder(store, embeddings)
    assert encoder["dimensions"] == read_embeddings(store.files(embeddings)).vectors.shape[1]
    assert encoder["template"] == store.manifest(embeddings).identity["template"]
