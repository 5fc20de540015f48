"""Groups of first codes, the tree of prefixes, and the map."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidflow.report.groups import GROUPS, Groups, group_codes
from sidflow.report.item_map import map_figure, project, sample
from sidflow.report.prefix_tree import WIDTHS, Prefixes, biggest_prefixes, sunburst
from sidflow.report.subject import Subject
from sidflow.semantic_ids.terms import plain_text

ONE = Groups(np.zeros(300, np.int64), np.arange(300), ("all",))


def test_near_code_vectors_share_a_group() -> None:
    """Two heaps of code vectors become two groups among eight, the larger first, named by what sets them apart."""
    rng = np.random.default_rng(0)
    codebook = np.concatenate([rng.normal(0, 0.01, (20, 3)), rng.normal(9, 0.01, (20, 3))]).astype(np.float32)
    first = np.r_[np.arange(40), np.full(10, 3)]
    topics = ["hair, common" if code < 20 else "nails, common" for code in first]
    groups = group_codes(codebook, first, topics)
    assert len(groups.names) == GROUPS
    assert not set(groups.of_code[:20]) & set(groups.of_code[20:])
    assert sorted(groups.order.tolist()) == list(range(40))
    sizes = np.bincount(groups.of_code[first])
    assert (np.diff(sizes) <= 0).all()
    assert {name.split(", ")[0] for name in groups.names} == {"hair", "nails"}


def test_one_code_is_one_group() -> None:
    """Nothing to cluster is no error."""
    assert group_codes(np.zeros((1, 2), np.float32), np.zeros(3, int), ["a"] * 3).names == ("assorted",)


codes = st.integers(1, 60).flatmap(
    lambda n: arrays.arrays(np.int16, (n, 3), elements=st.integers(0, 5), fill=st.nothing())
)


@given(codes)
def test_every_node_is_the_sum_of_its_children(codes: np.ndarray) -> None:
    """Plotly draws nothing when they differ; leaves that were not opened have none. All items are counted once."""
    data = sunburst(Prefixes(codes, lambda item, level: f"topic {level}"), ONE).data[0]
    values = dict(zip(data["ids"], data["values"], strict=True))
    assert len(values) == len(data["ids"])
    assert values["all"] == len(codes)
    below: dict[str, int] = {}
    for name, parent in zip(data["ids"], data["parents"], strict=True):
        below[parent] = below.get(parent, 0) + values[name]
    assert all(values[parent] == total for parent, total in below.items() if parent)


def test_the_tree_is_bounded() -> None:
    """A hundred thousand items with all paths used give no more nodes than the widths allow."""
    codes = np.random.default_rng(0).integers(0, 256, (100_000, 3)).astype(np.int16)
    data = sunburst(Prefixes(codes, lambda item, level: ""), ONE).data[0]
    second, third = WIDTHS
    assert len(data["ids"]) <= 2 + 256 * (1 + (second + 1) * (1 + third + 1))
    assert "0-other" in data["ids"]


def test_topics_in_the_tree_hold_no_markup() -> None:
    """Only the breaks and the bold that the tree itself sets are markup."""
    titles = {(0,): ("<a href=x>z</a>",)}
    data = sunburst(Prefixes(np.zeros((3, 3), np.int16), lambda item, level: "<a href=x>y</a>", titles), ONE).data[0]
    assert all("<a" not in each for each in data["labels"] + data["customdata"])
    assert any("&lt;a" in each for each in data["customdata"])


def test_the_biggest_first_codes() -> None:
    """Most items first, with the number of second codes below and an example."""
    codes = np.array([[1, 0], [1, 1], [0, 0]])
    table = biggest_prefixes(Prefixes(codes, lambda item, level: "topic"), ["first", "second", "third"])
    assert table.rows == (("1", "topic", "2", "66.7%", "2", "first"), ("0", "topic", "1", "33.3%", "1", "third"))


def test_typical_titles_of_prefixes() -> None:
    """Two where there are some: below the topic in the figure, at the end of the row in the table."""
    codes = np.array([[1, 0], [1, 1], [0, 0]])
    known = Prefixes(codes, lambda item, level: "topic", {(1,): ("a & b", "c", "d"), (1, 1): ("e",)})
    data = sunburst(known, ONE).data[0]
    said = dict(zip(data["ids"], data["customdata"], strict=True))
    assert said["1"] == "<b>1</b> topic<br>a &amp; b<br>c"
    assert (said["1-1"], said["1-0"], said["0"]) == ("<b>1-1</b> topic<br>e", "<b>1-0</b> topic", "<b>0</b> topic")
    assert [row[-1] for row in biggest_prefixes(known, ["first", "second", "third"]).rows] == ["a & b; c", "third"]


def test_typical_titles_come_with_the_release(subject: Subject) -> None:
    """Stored beside the SID table, and titles of items that have the prefix."""
    assert subject.typical_titles
    for prefix, titles in subject.typical_titles.items():
        own = np.flatnonzero((subject.sids.codes[:, : len(prefix)] == prefix).all(axis=1))
        assert set(titles) <= {plain_text(subject.titles[item]) for item in own}


def test_the_sample_is_the_same_every_time() -> None:
    """Ascending, distinct, no larger than the catalogue."""
    assert sample(5, 10).tolist() == [0, 1, 2, 3, 4]
    drawn = sample(1000, 10)
    assert len(set(drawn.tolist())) == 10
    assert (drawn == sample(1000, 10)).all()


def test_the_map_parts_what_is_far_apart() -> None:
    """Two heaps of vectors are two islands, and the same input gives the same map."""
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal(-5, 0.1, (30, 40)), rng.normal(5, 0.1, (30, 40))]).astype(np.float32)
    points = project(vectors)
    assert points.shape == (60, 2)
    left, right = points[:30], points[30:]
    gap = np.linalg.norm(left.mean(0) - right.mean(0))
    assert gap > 2 * max(left.std(), right.std())
    assert (points == project(vectors)).all()


def test_few_or_equal_items_are_a_map_too() -> None:
    """Three items, one item and items without any difference give finite points."""
    for vectors in (np.eye(3), np.ones((1, 4)), np.ones((20, 4))):
        points = project(vectors.astype(np.float32))
        assert points.shape == (len(vectors), 2)
        assert np.isfinite(points).all()


def test_points_are_drawn_by_group() -> None:
    """A trace a group that has items, in its own colour and shape."""
    groups = Groups(np.array([0, 0, 1]), np.arange(3), ("first", "second", "third"))
    figure = map_figure(np.array([[0.0, 1], [2, 3], [4, 5]]), np.array([0, 2, 1]), ["a", "b", "c"], groups)
    assert [(each["name"], each["text"]) for each in figure.data] == [("first", ["a", "c"]), ("second", ["b"])]
    assert figure.data[0]["marker"]["symbol"] != figure.data[1]["marker"]["symbol"]


def test_topics_come_from_the_sid_table(subject: Subject) -> None:
    """A topic for each level; titles are those of the catalogue."""
    assert len(subject.titles) == len(subject.sids.codes) == 40
    assert subject.topic(0, 2) == (subject.sids.topics or ())[0][2]
    assert " no. " in subject.titles[0]
