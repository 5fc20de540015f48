"""Measures, differences and slices from ranks; change against the release before."""

import numpy as np
import pyarrow as pa
import pytest

from sidflow.report.blocks import Mark, Table
from sidflow.report.churn import churn_figure, flow_table, measures_table, moved_items, moved_table
from sidflow.report.formats import interval
from sidflow.report.ranking import (
    differences_table,
    ranking,
    read_ranks,
    slice_targets,
    slices_table,
    verdict,
)
from sidflow.report.ranking import measures_table as ranked_table
from sidflow.report.ranking_figures import measures_figure, recall_curve
from sidflow.report.samples import choose_users
from sidflow.report.subject import Subject
from sidflow.semantic_ids.table import SidTable

RANKS = {"sidflow": np.array([1, 3, 0, 20]), "popularity": np.array([2, 0, 0, 0])}


def test_ranks_by_model() -> None:
    """Ours first; a new baseline's column needs no change here."""
    found = read_ranks(pa.table({"rank_last_item_transitions": [1], "rank": [2], "target": ["x"]}))
    assert list(found) == ["sidflow", "last item transitions"]


def test_measures_are_those_of_the_ranks() -> None:
    """Recall counts ranks within the cut-off; zero is not found; the table says the same as the figure."""
    figure = measures_figure(RANKS, 10)
    assert figure.data[0]["y"] == pytest.approx([0.5, (1 + 0.5) / 4])
    assert figure.data[1]["y"][0] == 0.25
    assert all(value >= 0 for each in figure.data for value in each["error_y"]["array"])
    rows = ranked_table(RANKS, [10, 50]).rows
    assert [row[0] for row in rows] == ["Recall@10", "Recall@50", "NDCG@10", "NDCG@50"]
    assert rows[0][1] == Mark("0.5000", "strong")
    assert rows[1][1] == Mark("0.7500", "strong")
    assert rows[0][3] == "0.2500"


def test_recall_never_falls() -> None:
    """One value for each k."""
    figure = recall_curve(RANKS, 20)
    assert figure.data[0]["y"] == [0.25, 0.25, *[0.5] * 17, 0.75]


def test_stored_measures_are_found_again(subject: Subject) -> None:
    """The table made from ranks says what the evaluation stored."""
    import pyarrow.parquet as pq

    ranks = read_ranks(pq.read_table(subject.files("metrics")["ranks.parquet"]))
    rows = {str(row[0]): row[1] for row in ranked_table(ranks, [5, 10]).rows}
    stored = subject.facts("metrics")["test"]
    for name in ("recall@5", "recall@10", "ndcg@5", "ndcg@10"):
        cell = rows[name.replace("recall", "Recall").replace("ndcg", "NDCG")]
        assert (cell.text if isinstance(cell, Mark) else cell) == f"{stored[name]:.4f}"


def test_a_page_says_one_interval(subject: Subject) -> None:
    """Tables drawn from ranks show the very intervals that the evaluation stored and the overview shows."""
    stored = subject.facts("metrics")
    tables = {each.caption: each for each in ranking(subject).blocks if isinstance(each, Table)}
    rows = {str(row[0]): row for row in tables["Measures over all test users"].rows}
    assert rows["Recall@10"][2] == interval(stored["ci95"]["recall@10"])
    assert rows["NDCG@10"][2] == interval(stored["ci95"]["ndcg@10"])
    differences = {str(row[0]): row for row in tables["Is it better than a baseline?"].rows}  # of the folded one
    assert "Recall@5 over popularity" in differences
    against = stored["against"]["last_item_transitions"]["ndcg@10"]
    shown = differences["NDCG@10 over last item transitions"]
    assert shown[1:3] == (f"{against['difference']:+.4f}", interval(against["ci95"]))


def test_the_best_of_a_row_is_marked() -> None:
    """A baseline that is better stands out as ours would; equals do not."""
    ranks = {"sidflow": np.array([3, 20]), "popularity": np.array([1, 20])}
    rows = {str(row[0]): row for row in ranked_table(ranks, [10, 50]).rows}
    assert rows["NDCG@10"][1] == "0.2500"
    assert rows["NDCG@10"][3] == Mark("0.5000", "strong")
    assert (rows["Recall@10"][1], rows["Recall@10"][3]) == ("0.5000", "0.5000")


def test_a_difference_is_proven_only_without_zero() -> None:
    """Better, worse, or open."""
    kinds = [verdict(each) for each in ((0.005, 0.02), (-0.02, -0.001), (-0.02, 0.03), None)]
    assert kinds == [Mark("better", "good"), Mark("worse", "bad"), Mark("open", "muted"), Mark("open", "muted")]


def test_differences_at_every_cut_off() -> None:
    """A loss at a small cut-off is shown beside a gain at a large one."""
    ranks = {"sidflow": np.full(50, 9), "last item transitions": np.r_[np.full(40, 4), np.zeros(10, int)]}
    rows = {str(row[0]): row for row in differences_table(ranks, [5, 10]).rows}
    assert rows["Recall@5 over last item transitions"][1] == "-0.8000"
    assert rows["Recall@5 over last item transitions"][3] == Mark("worse", "bad")
    assert rows["Recall@10 over last item transitions"][1] == "+0.2000"
    assert rows["Recall@10 over last item transitions"][3] == Mark("better", "good")


def test_every_target_is_in_one_slice() -> None:
    """The head is a fifth of the items; what was never trained on is cold, not tail."""
    events = np.array([50, 3, 2, 1, 0])
    slices = slice_targets(events, np.array([0, 1, 4, 0]))
    head, tail, cold = slices.values()
    assert head.tolist() == [True, False, False, True]
    assert tail.tolist() == [False, True, False, False]
    assert cold.tolist() == [False, False, True, False]
    rows = slices_table(RANKS, slices).rows
    assert [row[1] for row in rows] == ["2", "1", "1"]
    assert rows[2][2:] == ("0.0000", "-", "0.0000")


def test_a_target_outside_the_catalogue_is_in_no_slice() -> None:
    """It is not the catalogue's last item."""
    slices = slice_targets(np.array([9, 1, 0]), np.array([-1, 0]))
    assert [each.tolist() for each in slices.values()] == [[False, True], [False, False], [False, False]]


def test_an_empty_slice_is_a_dash() -> None:
    """Nobody's target was cold."""
    rows = slices_table({"sidflow": np.array([1])}, {"cold": np.array([False])}).rows
    assert rows[0] == ("cold", "0", "-", "-")


def table(codes: list[list[int]], items: list[str]) -> SidTable:
    """A SID table without topics."""
    return SidTable(pa.array(items), np.array(codes, np.int16), (9,) * len(codes[0]))


def test_moved_items_stand_by_popularity() -> None:
    """New items do not count as moved; the same SID neither."""
    before = table([[0, 0], [1, 1], [2, 2]], ["a", "b", "c"])
    now = table([[0, 1], [1, 1], [3, 2], [4, 4]], ["a", "b", "c", "d"])
    assert moved_items(before, now, np.array([1, 5, 9, 9])).tolist() == [[2, 2], [0, 0]]


def test_another_number_of_levels_moves_everything() -> None:
    """A suffix level more changes every SID."""
    before, now = table([[0], [1]], ["a", "b"]), table([[0, 0], [1, 0]], ["a", "b"])
    assert len(moved_items(before, now, np.array([1, 1]))) == 2


def test_change_of_two_releases(subject: Subject) -> None:
    """Bars say the measured churn; tables name items by title, with both SIDs."""
    before = subject.previous
    assert before is not None
    facts = subject.manifests["semantic_ids"].metrics
    figure = churn_figure(facts)
    assert figure.data[0]["y"] == facts["churn_by_level"]
    moved = moved_items(before.sids, subject.sids, subject.training_events)
    assert len(moved) == round(facts["churn"] * facts["common_items"])
    rows = moved_table(before, subject, moved).rows
    assert all(row[2] != row[3] for row in rows)
    assert flow_table(before, subject, moved[:0]).rows == ()


def test_measures_of_both_releases() -> None:
    """The change is relative; a measure that one of them lacks is left out, and nothing is divided by zero."""
    rows = measures_table({"recall@10": 0.1, "ndcg@10": 0.0, "recall@5": 1.0}, {"recall@10": 0.11, "ndcg@10": 0.1}).rows
    assert rows == (("Recall@10", "0.1000", "0.1100", "+10.0%"), ("NDCG@10", "0.0000", "0.1000", "-"))


def test_users_are_chosen_from_short_to_long() -> None:
    """Single events are passed over where there are others; few users give fewer samples."""
    lengths = np.array([1, 5, 2, 9, 3, 1])
    chosen = choose_users(lengths, 3)
    assert [lengths[user] for user in chosen] == [2, 5, 9]
    assert choose_users(np.array([1]), 4) == [0]
    assert choose_users(np.array([], int), 4) == []
