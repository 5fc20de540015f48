"""What benchmarks/decoder_speed.py measures, on catalogues small enough for its answers to be known."""

import numpy as np
import pytest

from sidflow.decoder.cold import Search
from sidflow.decoder.trie import build_trie
from tests.decoder.worlds import planted_dataset, random_decoder


def test_made_up_sids_are_unique_and_some_prefixes_crowded() -> None:
    """As many as asked for, and under the commonest first code far more than a fair share."""
    from synthetic_release import CODES, make_codes

    codes = make_codes(20_000, np.random.default_rng(0))
    assert codes.shape == (20_000, 3) and codes.min() >= 0 and codes.max() < CODES
    assert len(np.unique(codes, axis=0)) == 20_000
    assert np.bincount(codes[:, 0]).max() > 4 * 20_000 / CODES


def test_a_made_up_release_recommends() -> None:
    """One user at a time and in batches; every time is counted, and half the calls take less than the longest."""
    from speed_measures import latency, users_per_second
    from synthetic_release import make_recommender

    recommender, histories = make_recommender(500, 60)
    (listed,) = recommender.recommend_many(["user00000007"])
    assert len(listed) == 10 and len(histories.user_ids) == 60
    found = latency(recommender, histories, 5)
    assert 0 < found["p50"] <= found["p99"] and 0 <= found["cpu_p50"] <= found["cpu_p99"]
    assert set(users_per_second(recommender, histories)) == {"wall", "cpu"}


def test_a_beam_wider_than_the_catalogue_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 items a beam of 50 misses none; a beam of 2 does."""
    import speed_measures

    dataset, vectors = planted_dataset()
    decoder = random_decoder(dataset.sids, content=16)
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))
    monkeypatch.setattr(speed_measures, "WIDTHS", (50, 2))
    found = speed_measures.beams_against_exact(speed_measures.Parts(dataset, vectors, search), 30)
    wide, narrow = found["beams"]["50"], found["beams"]["2"]
    assert (wide["differ"], wide["first_differs"], wide["overlap@10"]) == (0.0, 0.0, 1.0)
    assert {name: wide[name] for name in found["exact"]} == found["exact"]
    assert narrow["differ"] == 1.0 and narrow["overlap@10"] < 0.3
