"""The stage function: methods, facts, warm starts, refusals."""

import json

import numpy as np
import pytest

from sidflow.errors import ConfigError, DataContractError
from sidflow.quantizer.baselines import mean_vector
from sidflow.quantizer.fit import fit_quantizer
from sidflow.quantizer.sampling import PairSampler
from sidflow.quantizer.train import train_rq_vae
from tests.quantizer.samples import clustered, config, linked

VECTORS = clustered()
PAIRS = linked([(k, k + 8) for k in range(0, 180, 4)], heldout=[k % 3 == 0 for k in range(45)])


def test_facts_compare_with_kmeans() -> None:
    """Both methods described in the same words, and all of it JSON."""
    fit = fit_quantizer(VECTORS, PAIRS, config())
    assert fit.quantizer.method == "rq-vae" and fit.curve[-1]["step"] == 30
    assert fit.facts["collaborative"] == "on" and fit.facts["pairs"] == 30 and not fit.facts["warm_start"]
    assert set(fit.facts["codes"]) == set(fit.facts["rq_kmeans"])
    assert fit.facts["codes"]["cohesion"][0]["pairs"] == 15
    assert 0 < fit.facts["reconstruction"] < 1.5 and fit.facts["behaviour_items"] is None
    json.dumps({"facts": fit.facts, "curve": fit.curve}, allow_nan=False)


def test_kmeans_as_the_method() -> None:
    """No training, no curve; the peer is the quantiser itself."""
    fit = fit_quantizer(VECTORS, PAIRS, config(method="rq-kmeans"))
    assert fit.quantizer.method == "rq-kmeans" and fit.curve == []
    assert fit.facts["codes"] == fit.facts["rq_kmeans"]
    assert fit.facts["collaborative"] == "off: rq-kmeans does not learn from pairs"
    assert fit.facts["reconstruction"] is None


def test_text_and_behaviour_learns_from_pairs() -> None:
    """Without batches and weights of a loss; held-out pairs stay out of it."""
    fit = fit_quantizer(VECTORS, PAIRS, config(method="rq-kmeans-pmi", collaborative=0.0))
    assert fit.facts["collaborative"] == "on" and fit.quantizer.behaviour is not None
    heldout = fit_quantizer(VECTORS, linked([(0, 1)], heldout=[True]), config(method="rq-kmeans-pmi"))
    assert fit.facts["behaviour_items"] == fit.facts["pair_items"] > 0
    assert heldout.facts["collaborative"] == "off: no pairs to learn from" and heldout.facts["behaviour_items"] == 0
    assert heldout.quantizer.behaviour is not None and not len(heldout.quantizer.behaviour.keys)


@pytest.mark.parametrize("pairs", [None, linked([]), linked([(0, 1)], heldout=[True])])
def test_without_pairs_it_fits_and_says_so(pairs) -> None:  # type: ignore[no-untyped-def]
    """None, none mined, or all held out."""
    fit = fit_quantizer(VECTORS, pairs, config())
    assert fit.facts["collaborative"] == "off: no pairs to learn from"
    assert "collaborative" not in fit.curve[-1]


def test_the_collaborative_loss_can_be_switched_off() -> None:
    """By its weight."""
    fit = fit_quantizer(VECTORS, PAIRS, config(collaborative=0.0))
    assert fit.facts["collaborative"].startswith("off: quantizer.batch_pairs or") and fit.facts["pairs"] == 30


def test_a_memory_map_gives_the_same_fit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Rows are read as they are drawn."""
    np.save(tmp_path / "v.npy", VECTORS)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    a, b = (fit_quantizer(each, PAIRS, config()).quantizer for each in (VECTORS, mapped))
    assert np.array_equal(a.codebooks[1], b.codebooks[1])


@pytest.mark.parametrize("method", ["rq-vae", "rq-kmeans"])
def test_a_warm_start_continues(method: str) -> None:
    """The mean stays, and facts say so."""
    first = fit_quantizer(VECTORS, PAIRS, config(method=method)).quantizer
    again = fit_quantizer(VECTORS + 0.01, PAIRS, config(method=method), initial=first)
    assert again.facts["warm_start"] and np.array_equal(again.quantizer.mean, first.mean)


def test_a_warm_start_of_another_shape_is_refused() -> None:
    """With the setting that changed."""
    first = fit_quantizer(VECTORS, None, config()).quantizer
    with pytest.raises(
        ConfigError, match=r"warm start does not fit: quantizer.codebooks were \[8, 32\], now \[32, 8\]"
    ):
        fit_quantizer(VECTORS, None, config(codebooks=(32, 8)), initial=first)
    with pytest.raises(ConfigError, match="embedding dimensions were 16, now 12"):
        fit_quantizer(clustered(dim=12), None, config(), initial=first)


def test_bad_input_is_refused_before_training() -> None:
    """Not finite; too few items; pairs of another catalogue."""
    broken = VECTORS.copy()
    broken[3, 3] = np.nan
    with pytest.raises(DataContractError, match="item 3 is not finite"):
        fit_quantizer(broken, None, config())
    with pytest.raises(DataContractError, match="fewer items than codes"):
        fit_quantizer(VECTORS[:7], None, config())
    with pytest.raises(DataContractError, match="pairs name item"):
        fit_quantizer(VECTORS[:60], PAIRS, config())


def test_many_duplicates_of_one_vector() -> None:
    """Sixty items, four of them distinct: codes are finite and duplicates share them."""
    vectors = np.repeat(clustered(4), 15, axis=0)
    quantizer = fit_quantizer(vectors, None, config()).quantizer
    codes = quantizer.assign(quantizer.encode(vectors))
    assert len(np.unique(codes, axis=0)) == 4
    assert all(np.isfinite(book).all() for book in quantizer.codebooks)


def test_items_that_are_all_equal_are_refused() -> None:
    """A constant embedding says nothing; the message names the template."""
    with pytest.raises(DataContractError, match=r"all 200 embeddings are equal.*embedding.template"):
        fit_quantizer(np.ones((200, 16), np.float32), None, config())


@pytest.mark.parametrize("method", ["rq-vae", "rq-kmeans", "rq-kmeans-pmi", "lsh", "random"])
def test_every_method_bears_many_copies(method: str) -> None:
    """Five distinct vectors, one of them of 196 items, and pairs between copies: finite codes, shared by copies."""
    vectors = np.vstack([np.repeat(clustered(1), 196, axis=0), clustered(4, seed=1)])
    pairs = linked([(0, 1), (5, 90), (3, 197), (198, 199)])
    fit = fit_quantizer(vectors, pairs, config(method=method))
    codes = fit.quantizer.assign(fit.quantizer.encode(vectors))
    assert fit.facts["distinct_share"] == 5 / 200
    assert len(np.unique(codes[:196], axis=0)) == 1
    assert all(np.isfinite(array).all() for _, array in fit.quantizer.tensors())
    json.dumps(fit.facts, allow_nan=False)


def test_copies_reach_the_loss() -> None:
    """A pair of two copies teaches nothing: the fit differs from one in which copies are pushed apart."""
    vectors = np.repeat(clustered(20), 10, axis=0)
    copied = fit_quantizer(vectors, PAIRS, config(steps=5)).quantizer
    sampler = PairSampler(PAIRS, len(vectors))
    blind = train_rq_vae(vectors, mean_vector(vectors), sampler, config(steps=5)).quantizer
    assert not np.array_equal(copied.layers[0][0], blind.layers[0][0])


def test_hyperplanes_need_powers_of_two_at_configuration_time() -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match="a level has 100 codes; method lsh needs powers of two, such as 256"):
        config(method="lsh", codebooks=(100, 8))


def test_one_summary_line(caplog: pytest.LogCaptureFixture) -> None:
    """With counts in and what came out."""
    with caplog.at_level("INFO", logger="sidflow.quantizer"):
        fit_quantizer(VECTORS, PAIRS, config())
    assert len(caplog.records) == 1 and "rq-vae over 200 items and 30 pairs" in caplog.text


def test_the_mean_of_a_cold_fit_is_the_catalogues() -> None:
    """Not the previous one's."""
    fit = fit_quantizer(VECTORS, None, config())
    assert fit.quantizer.mean == pytest.approx(VECTORS.mean(0), abs=1e-6)
