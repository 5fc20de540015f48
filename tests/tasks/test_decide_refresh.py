"""What makes the vectors of now comparable with those of before."""

from pathlib import Path

from sidflow.artifacts import Store
from sidflow.embedding.table import read_embeddings
from tasks.decide_refresh import _encoder, encoder_change


def test_the_width_of_vectors_is_part_of_their_encoder(two_releases: Path) -> None:
    """Ready-made vectors may change their width under the same settings; that is another encoder, not a warm refit."""
    store = Store(str(two_releases / "store"))
    embeddings = store.artifact(next(store.manifests("embeddings")))
    encoder = _encoder(store, embeddings)
    assert encoder["embedding dimensions"] == read_embeddings(store.files(embeddings)).vectors.shape[1]
    assert encoder["embedding.template"] == store.manifest(embeddings).identity["template"]


def test_a_change_of_the_encoder_is_named_with_both_values() -> None:
    """The width first, then settings; what is the same is left out."""
    before = {"embedding dimensions": 384, "embedding.model": "bundled", "embedding.template": "{title}"}
    now = {**before, "embedding dimensions": 8, "embedding.template": "{title}. {brand}"}
    assert encoder_change(before, now) == (
        "embedding dimensions: 384 before, 8 now; embedding.template: '{title}' before, '{title}. {brand}' now"
    )
    assert encoder_change(now, now) == ""
