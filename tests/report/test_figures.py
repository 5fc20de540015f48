"""Figures of pairs, codes and learning: literal facts in, literal traces out."""

import numpy as np

from sidflow.decoder.rescore import FEATURES as KNOWN
from sidflow.report.blocks import Table
from sidflow.report.code_usage import fit_table, usage_figure, usage_table
from sidflow.report.learning import (
    FEATURES,
    decoder_facts,
    learning,
    quantizer_losses,
    quantizer_perplexity,
    rescoring_table,
    validation,
)
from sidflow.report.pair_statistics import coverage_figure, pair_facts, pmi_figure, support_figure
from sidflow.report.subject import Subject

TIERS = np.array(["significant", "top-up", "significant", "top-up"])


def test_every_pair_is_in_one_bar_of_support() -> None:
    """Exact bars up to six users, then ranges; nothing is lost at either end."""
    figure = support_figure(np.array([2, 2, 9, 130]), TIERS)
    assert figure.data[0]["x"] == figure.data[1]["x"]
    names = figure.data[0]["x"]
    assert (names[0], names[-1]) == ("2", "128-255")
    assert dict(zip(names, figure.data[0]["y"], strict=True))["8-11"] == 1
    assert [sum(each["y"]) for each in figure.data] == [2, 2]


def test_every_pair_is_in_one_bar_of_pmi() -> None:
    """Negative PMI counts too; no pairs at all give an empty figure, not an error."""
    figure = pmi_figure(np.array([-0.5, 0.2, 3.0, 7.25]), TIERS, 0.693)
    assert [sum(each["y"]) for each in figure.data] == [2, 2]
    assert "above 0.69" in figure.reading
    empty = np.array([])
    assert [sum(each["y"]) for each in pmi_figure(empty, empty, None).data] == [0, 0]
    assert [sum(each["y"]) for each in support_figure(empty.astype(int), empty).data] == [0, 0]


def test_coverage_and_facts_of_pairs() -> None:
    """A tenth without items counts as zero; shares are of the items."""
    assert coverage_figure([None, 0.5, 1.0]).data[0]["y"] == [0.0, 0.5, 1.0]
    known = dict(pair_facts({"items_covered": 5, "items": 20, "fdr_hat": 0.0499, "significant": 6}).pairs)
    assert known["items with a partner"] == "5 (25.0%)"
    assert known["estimated false discovery rate"] == "4.99%"
    assert dict(pair_facts({"fdr_hat": 0.0, "significant": 0}).pairs)["estimated false discovery rate"] == "-"


def test_usage_is_sorted_and_beside_the_fair_share() -> None:
    """Dead codes are zeros at the end; the fair share is items over codes, for each size of a level."""
    codes = np.array([[0, 1], [0, 1], [2, 1], [0, 0]])
    figure = usage_figure(codes, (4, 2))
    assert [each["y"] for each in figure.data] == [[3, 1, 0, 0], [3, 1], [1.0, 1.0], [2.0, 2.0]]
    assert [each["x"] for each in figure.data[2:]] == [[1, 4], [1, 2]]
    assert [each["name"] for each in figure.data[2:]] == ["fair share of 4 codes", "fair share of 2 codes"]
    assert figure.summary.endswith("the fair share is 1.0 items for each of 4 codes, 2.0 items for each of 2 codes.")
    assert [each["name"] for each in usage_figure(codes, (4, 4)).data] == ["level 1", "level 2", "fair share"]
    described = {name: [0.5, 1.0] for name in ("usage", "perplexity", "gini", "conditional_entropy")}
    table = usage_table(described, codes, (4, 2))
    assert table.rows == (
        ("1", "4", "2", "50.0%", "0.500", "0.500", "0.500"),
        ("2", "2", "0", "100.0%", "1.000", "1.000", "1.000"),
    )


def test_what_prefixes_share() -> None:
    """Measures are matched by level; those that were not taken are dashes."""
    facts = {
        "explained_variance": [0.75, 0.9], "embedding_variance": [0.25, 0.5], "collisions": 0.03, "neighbours": None,
        "cohesion": [{"level": 1, "lift": 15.3}], "nmi": {"share": 0.5458, "chance": 0.2268, "lift": 2.4},
        "rq_kmeans": {
            "explained_variance": [0.4], "collisions": 0.1, "cohesion": None, "nmi": None,
            "neighbours": [{"level": 1, "share": 0.667, "lift": 12.34}],
        },
    }  # fmt: skip
    assert fit_table(facts).rows == (
        ("sidflow, 1 code", "25.0%", "75.0%", "15.3", "-", "0.546 (chance 0.227)", "3.0%"),
        ("sidflow, 2 codes", "50.0%", "90.0%", "-", "-", "-", "3.0%"),
        ("residual k-means, 1 code", "-", "40.0%", "-", "66.7% (12.3 times chance)", "-", "10.0%"),
    )
    assert fit_table({}).rows == ()


def test_quantiser_curves() -> None:
    """A loss that rests is a gap on the log axis; one that never was is no line."""
    rows = [
        {"step": 1, "reconstruction": 0.8, "balance": 0.1, "perplexity": [0.9, 0.8]},
        {"step": 2, "reconstruction": 0.7, "balance": 0.0, "perplexity": [0.8, 0.7]},
    ]
    figure = quantizer_losses(rows)
    assert [(each["name"], each["y"]) for each in figure.data] == [
        ("reconstruction", [0.8, 0.7]),
        ("balance, weighted", [0.1, None]),
    ]
    warm = quantizer_losses([{**row, "anchor": 0.2} for row in rows])
    assert (warm.data[-1]["name"], warm.data[-1]["y"]) == ("anchor", [0.2, 0.2])
    assert [each["y"] for each in quantizer_perplexity(rows).data] == [[0.9, 0.8], [0.8, 0.7]]


def test_the_kept_epoch_is_marked() -> None:
    """A dashed line at the best epoch; none where it is not known."""
    rows = [{"epoch": 2, "ndcg@10": 0.1, "recall@10": 0.2}, {"epoch": 4, "ndcg@10": 0.3, "recall@10": 0.4}]
    figure = validation(rows, 4)
    assert figure.data[-1]["name"] == "kept: epoch 4"
    assert figure.data[-1]["x"] == [4, 4]
    assert len(validation(rows, None).data) == 2
    assert len(validation([{"epoch": 1}], 1).data) == 1


def test_how_the_decoder_started() -> None:
    """Cold is said; a warm start is said in words, not as a dump."""
    assert dict(decoder_facts({"start": "cold"}).pairs)["start"] == "cold"
    assert "warm" in str(dict(decoder_facts({"start": {"codes": 12}}).pairs)["start"])


RESCORING = {
    "users": 1200,
    "users_reached": 800,
    "ndcg@10_before": 0.05,
    "ndcg@10_after": 0.0625,
    "weights": {"levels": 0.4, "dense": 0.6, "follower_share": 2.25, "seen": -0.4},
}


def test_what_rescoring_weighs() -> None:
    """A row a feature with its sign; how many users speak for it, and NDCG@10 before and after."""
    shown = rescoring_table(RESCORING)
    assert [(row[0], row[2]) for row in shown.rows] == [
        ("levels", "+0.400"), ("dense", "+0.600"), ("follower share", "+2.250"), ("seen", "-0.400"),
    ]  # fmt: skip
    assert all(row[1] for row in shown.rows)
    assert "1,200 users' validation targets, of which the beam reached 800" in shown.reading
    assert "NDCG@10 0.0500 by the decoder alone, 0.0625 by weights" in shown.reading
    assert "their weighted sum" in shown.reading


def test_rescoring_that_did_not_help_is_said() -> None:
    """Weights that are the decoder's own."""
    kept = {**RESCORING, "weights": {"levels": 0.5, "dense": 0.5, "followers": 0.0}}
    assert "It did not help, so the decoder's own score ranks alone" in rescoring_table(kept).reading


def test_every_feature_of_rescoring_is_explained(subject: Subject) -> None:
    """Those that the decoder has are in words here, and a section of a release with rescoring shows them."""
    assert tuple(FEATURES) == KNOWN
    captions = [each.caption for each in learning(subject).blocks if isinstance(each, Table)]
    assert captions == ["Rescoring: what the log remembers, weighed against the decoder"]
