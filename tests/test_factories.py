"""The synthetic worlds hold what they promise."""

import numpy as np

from tests.factories import histories_of, make_vectors, make_world


def test_worlds_are_reproducible() -> None:
    """The same seed gives the same world, another one another."""
    assert make_world(seed=3).interactions.equals(make_world(seed=3).interactions)
    assert not make_world(seed=3).interactions.equals(make_world(seed=4).interactions)


def test_item_ids_are_indices() -> None:
    """Item k is row k of the items, in byte order."""
    ids = make_world(items=120).items["item_id"].to_pylist()
    assert ids == sorted(ids) and [int(each[1:]) for each in ids] == list(range(120))


def test_links_are_taken_together() -> None:
    """Neighbours in a history are linked far more often than chance."""
    world = make_world(users=200)
    histories = histories_of(world)
    inside = np.ones(len(histories.items), np.bool_)
    inside[histories.offsets[:-1]] = False
    pairs = np.sort(np.stack([histories.items[:-1], histories.items[1:]], axis=1)[inside[1:]], axis=1)
    linked = {tuple(each) for each in world.links.tolist()}
    share = np.mean([tuple(each) in linked for each in pairs.tolist()])
    chance = len(linked) / (40 * 39 / 2)
    assert share > 10 * chance


def test_users_are_unequal_and_prefer_a_topic() -> None:
    """Activity varies more than by chance, and most events are of one topic."""
    world = make_world(users=200)
    histories = histories_of(world)
    lengths = np.diff(histories.offsets)
    assert lengths.min() >= 3 and lengths.std() > 0.5 * lengths.mean()
    users = np.split(world.topic_of_item[histories.items], histories.offsets[1:-1])
    assert np.mean([np.bincount(each).max() / len(each) for each in users]) > 0.5


def test_vectors_cluster_by_topic() -> None:
    """Items of a topic are nearer to each other than to others."""
    world = make_world()
    vectors = make_vectors(world)
    likeness = vectors @ vectors.T
    same = world.topic_of_item[:, None] == world.topic_of_item
    assert likeness[same].mean() > likeness[~same].mean() + 0.3
