"""The recommender: known users, given histories, and what is not known."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sidflow.dataset.build import Dataset
from sidflow.decoder.files import save_decoder
from sidflow.decoder.memory import Rescorer, build_memory
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import build_trie
from sidflow.embedding.table import Embeddings, write_embeddings
from sidflow.errors import DataContractError, ReleaseMismatch, ShapeError
from sidflow.histories.table import write_histories
from sidflow.recommender import Filters, Recommender
from sidflow.recommender.load import recommender_of
from sidflow.recommender.popular import Popular
from sidflow.semantic_ids.table import write_semantic_ids
from tests.decoder.test_memory import pairs_of
from tests.decoder.worlds import histories_by_hand, planted_dataset, random_decoder, sids_of
from tests.factories import write_parquet

DATASET, VECTORS = planted_dataset()
TITLES = [f"title {k}" for k in range(40)]


def recommender(available: np.ndarray | None = None) -> Recommender:
    """A recommender with an untrained decoder."""
    return Recommender(random_decoder(DATASET.sids, content=16), DATASET, VECTORS, TITLES, available)


def history(user: int) -> list[str]:
    """A user's item ids."""
    start, stop = DATASET.histories.offsets[user : user + 2]
    return [DATASET.histories.item_ids[int(item)].as_py() for item in DATASET.histories.items[start:stop]]


def test_user_and_own_history_agree() -> None:
    """A user id stands for the user's whole history."""
    serving = recommender()
    assert serving.recommend("u00003", 5) == serving.recommend(history(3), 5)


def test_seen_items_are_left_out_unless_wanted() -> None:
    """Ten new items by default; with seen ones, the whole catalogue can be listed."""
    serving = recommender()
    new = serving.recommend("u00003", 40)
    assert {each.item_id for each in new} == {f"i{k:05d}" for k in range(40)} - set(history(3))
    assert len(serving.recommend("u00003", 40, exclude_seen=False)) == 40


def test_unavailable_items_never_come() -> None:
    """Neither by search nor by popularity."""
    available = np.arange(40) % 3 == 0
    serving = recommender(available)
    for user in ("u00003", "nobody"):
        listed = serving.recommend(user, 40, exclude_seen=False)
        assert sorted(int(each.item_id[1:]) for each in listed) == np.flatnonzero(available).tolist()


def test_unknown_user_gets_popular_items_and_is_told() -> None:
    """Most interactions first, with the reason."""
    first = recommender().recommend("nobody", 3)[0]
    counts = np.bincount(DATASET.histories.items, minlength=40)
    assert first.item_id == f"i{counts.argmax():05d}"
    assert first.score == counts.max()
    assert first.reason == f"popular: {counts.max()} interactions (unknown user)"


def test_empty_history_gets_popular_items() -> None:
    """No history is not an error."""
    assert recommender().recommend([], 1)[0].reason.endswith("(empty history)")


def test_many_equal_one_by_one() -> None:
    """A batch of users, histories and unknowns gives each what it gets alone."""
    serving = recommender()
    users = ["u00001", "nobody", history(2), [], "u00044"]
    assert [[r.item_id for r in each] for each in serving.recommend_many(users, 4)] == [
        [r.item_id for r in serving.recommend(user, 4)] for user in users
    ]


def test_histories_longer_than_the_model_count_their_newest_items() -> None:
    """Only the last max_items items matter to the order."""
    serving, ids = recommender(), [f"i{k:05d}" for k in range(20)]
    full = serving.recommend(ids, 40, exclude_seen=False)
    assert full == serving.recommend(ids[-8:], 40, exclude_seen=False)


def test_unknown_items_in_a_history_are_named() -> None:
    """The first few unknown ids stand in the message."""
    with pytest.raises(DataContractError, match=r"2 of 3 items are not in this release's catalogue: 'x', 'y'"):
        recommender().recommend(["x", "i00001", "y"])


def test_k_below_one_is_refused() -> None:
    """Zero recommendations are a mistake."""
    with pytest.raises(DataContractError, match="k=0; allowed is 1 or more"):
        recommender().recommend("u00001", 0)


@pytest.mark.parametrize("k", [2.5, 3.0, "3", None, True])
def test_k_is_a_whole_number(k: object) -> None:
    """Neither rounded nor left to fail inside; NumPy's integers are integers."""
    with pytest.raises(DataContractError, match=f"k={k!r}; allowed is 1 or more, in whole numbers"):
        recommender().recommend("u00001", k)  # type: ignore[arg-type]
    assert len(recommender().recommend("u00001", np.int64(3))) == 3


@pytest.mark.parametrize("user", [None, 7, b"u00001"])
def test_a_user_is_an_id_or_a_history(user: object) -> None:
    """Anything else is named, with what to give."""
    with pytest.raises(DataContractError, match=f"user={user!r}; allowed is a user id as text, or a history as a list"):
        recommender().recommend(user)  # type: ignore[arg-type]


def test_one_id_is_not_a_list_of_users() -> None:
    """Its letters would be unknown users."""
    with pytest.raises(
        DataContractError, match=r"users='u00001' is one id; give a list of users, such as \['u00001'\]"
    ):
        recommender().recommend_many("u00001")


def test_reason_names_the_newest_item_of_the_longest_shared_prefix() -> None:
    """Depth first, then recency; topics where there are names; and no prefix is said too."""
    sids = sids_of(np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0], [1, 0, 0]]))
    topics = tuple((f"a{k}", f"b{k}", f"c{k}") for k in range(5))
    dataset = Dataset(histories_by_hand([[0, 1, 3]], [3], [0], 5), replace(sids, topics=topics))
    serving = Recommender(random_decoder(sids), dataset, np.zeros((5, 6), np.float32), list("ABCDE"))
    reasons = {each.title: each.reason for each in serving.recommend("u0")}
    assert reasons == {
        "C": "shares 0-0 (b2) with B",
        "E": "follows from the history as a whole; shares no code with its newest items",
    }


def test_recommendation_carries_title_and_sid() -> None:
    """What a person reads belongs to the item."""
    each = recommender().recommend("u00003", 1)[0]
    index = int(each.item_id[1:])
    assert each.title == TITLES[index]
    assert each.sid == "-".join(str(code) for code in DATASET.sids.codes[index])


def test_foreign_parts_are_refused() -> None:
    """A decoder of other SIDs and titles of another catalogue do not serve."""
    stranger = random_decoder(sids_of(DATASET.sids.codes[::-1]), content=16)
    with pytest.raises(ReleaseMismatch):
        Recommender(stranger, DATASET, VECTORS, TITLES)
    with pytest.raises(ShapeError, match="40 items, but 39 titles"):
        Recommender(random_decoder(DATASET.sids, content=16), DATASET, VECTORS, TITLES[1:])


def write_release(folder: Path, catalogue: pa.Table) -> dict[str, dict[str, Path]]:
    """The files of the artifacts that a recommender reads."""
    for name in ("dataset", "embeddings", "decoder"):
        (folder / name).mkdir()
    write_histories(DATASET.histories, folder / "dataset", 25)
    write_semantic_ids(DATASET.sids, folder / "dataset")
    write_embeddings(Embeddings(DATASET.sids.item_ids, VECTORS), folder / "embeddings")
    save_decoder(random_decoder(DATASET.sids, content=16), folder / "decoder")
    files = {each.name: {path.name: path for path in each.iterdir()} for each in folder.iterdir()}
    return files | {"catalogue": {"catalogue.parquet": write_parquet(catalogue, folder / "catalogue.parquet")}}


def test_from_files(tmp_path: Path) -> None:
    """A recommender from a release's artifacts serves as one put together by hand, with its availability."""
    available = [k != 7 for k in range(40)]
    catalogue = pa.table({"item_id": DATASET.sids.item_ids, "title": TITLES, "available": available})
    serving = recommender_of(**write_release(tmp_path, catalogue))
    expected = recommender(np.array(available)).recommend("u00003", 10)
    assert serving.recommend("u00003", 10) == expected


def test_catalogue_that_lacks_an_item_is_refused(tmp_path: Path) -> None:
    """Titles must be there for every item."""
    catalogue = pa.table({"item_id": DATASET.sids.item_ids[1:], "title": TITLES[1:]})
    with pytest.raises(DataContractError, match="1 of 40 items of the data set are not in the catalogue"):
        recommender_of(**write_release(tmp_path, catalogue))


def test_filters_and_spread_are_heeded() -> None:
    """A prefix, an allow-list and a quota, alone and together; what nothing satisfies is an empty list."""
    serving = recommender()
    codes = DATASET.sids.codes
    prefix = serving.prefix_of("i00007", 1)
    assert prefix == (int(codes[7, 0]),)
    under = {f"i{k:05d}" for k in np.flatnonzero(codes[:, 0] == prefix[0])}
    listed = serving.recommend("u00003", 40, exclude_seen=False, filters=Filters(prefix=prefix))
    assert {each.item_id for each in listed} == under
    few = Filters(only=["i00001", "i00002", "i00003"], without=["i00002"])
    for user in ("u00003", "nobody"):
        assert {each.item_id for each in serving.recommend(user, 9, False, few)} == {"i00001", "i00003"}
    (spread,) = serving.recommend_many(["u00003"], 3, False, spread=Spread(quota=1))
    assert len({each.sid.split("-")[0] for each in spread}) == len(spread)
    assert serving.recommend("u00003", filters=Filters(only=[])) == []


@pytest.mark.parametrize("user", ["u00003", "nobody", []])
@pytest.mark.parametrize("spread", [Spread((1.0, 1.0, 1.0)), Spread(quota=1, quota_level=3)])
def test_a_spread_over_longer_sids_is_refused(user: str | list[str], spread: Spread) -> None:
    """For popular items too, so that a mistake does not wait for a known user."""
    with pytest.raises(DataContractError, match="SIDs have 2 codes"):
        recommender().recommend(user, spread=spread)


@pytest.mark.parametrize(("quota", "k"), [(1, 40), (2, 7), (3, 40), (50, 40)])
@pytest.mark.parametrize("user", ["u00003", "nobody", []])
def test_fewer_come_only_if_the_quota_allows_fewer(user: str | list[str], quota: int, k: int) -> None:
    """Known users and popular items alike, with half the catalogue in stock."""
    available = np.arange(40) % 2 == 0
    listed = recommender(available).recommend(user, k, False, spread=Spread(quota=quota))
    taken = Counter(each.sid.split("-")[0] for each in listed)
    possible = np.bincount(DATASET.sids.codes[available, 0])
    assert max(taken.values()) <= quota
    assert len(listed) == min(k, np.minimum(possible, quota).sum())


def test_what_followed_the_newest_item_is_named() -> None:
    """In the words of one list, and in the arrays of many."""
    decoder = random_decoder(DATASET.sids, content=16)
    decoder.rescorer = Rescorer(np.zeros(8), build_memory(DATASET.histories, pairs_of([])))
    serving = Recommender(decoder, DATASET, VECTORS, TITLES)
    ranked = serving.rank_users(np.array([3]), 40)
    named = {TITLES[item]: TITLES[other] for item, other in zip(ranked.items[0], ranked.followed[0], strict=True)
             if item >= 0 and other >= 0}  # fmt: skip
    newest = {TITLES[int(each[1:])] for each in history(3)[-2:]}
    assert named and set(named.values()) <= newest
    said = {each.title: each.reason for each in serving.recommend("u00003", 40)}
    assert {title for title, reason in said.items() if "has followed" in reason} == set(named)
    assert all(said[title].endswith(f"has followed {other}") for title, other in named.items())


def test_mined_pairs_are_named() -> None:
    """Where the decoder remembers pairs, a partner among the newest items is said; its absence is not."""
    titles = {title: k for k, title in enumerate(TITLES)}
    start, stop = DATASET.histories.offsets[3:5]
    newest = int(DATASET.histories.items[stop - 1])
    other = next(k for k in range(40) if k not in DATASET.histories.items[start:stop])
    a, b = sorted((newest, other))
    decoder = random_decoder(DATASET.sids, content=16)
    decoder.rescorer = Rescorer(np.zeros(8), build_memory(DATASET.histories, pairs_of([(a, b, 2.0, False)])))
    listed = Recommender(decoder, DATASET, VECTORS, TITLES).recommend("u00003", 40)
    said = {titles[each.title]: each.reason for each in listed}
    assert f"often taken together with title {newest}" in said[other]
    assert sum("often taken together" in reason for reason in said.values()) == 1


def test_threads_share_a_recommender() -> None:
    """Eight threads that ask at once, some through filters, get what each would have got alone."""
    serving = recommender()
    asked = [(f"u{user:05d}", None if user % 3 else Filters(without=[f"i{user % 40:05d}"])) for user in range(60)]
    alone = [serving.recommend(user, 10, filters=filters) for user, filters in asked]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            together = threads.map(lambda each: serving.recommend(each[0], 10, filters=each[1]), asked)
            assert list(together) == alone


def test_more_items_than_there_are() -> None:
    """A k beyond the catalogue lists all of it, in the order of shorter lists, and costs no more."""
    serving = recommender()
    for user in ("u00003", "nobody", []):
        listed = serving.recommend(user, 10**9, exclude_seen=False)
        assert len({each.item_id for each in listed}) == 40
        assert listed[:5] == serving.recommend(user, 5, exclude_seen=False)


def test_a_catalogue_that_was_seen_whole_leaves_nothing() -> None:
    """An empty list, with no padding in it."""
    assert recommender().recommend([f"i{k:05d}" for k in range(40)]) == []


def test_vectors_of_another_catalogue_are_refused() -> None:
    """Content vectors must be of the decoder's items."""
    with pytest.raises(ShapeError, match=r"got content vectors of shape \(39, 16\), expected \(40, 16\)"):
        Recommender(random_decoder(DATASET.sids, content=16), DATASET, VECTORS[1:], TITLES)


@pytest.mark.parametrize("share", [0.02, 0.2, 1.0])
def test_popular_items_by_a_full_sort(share: float) -> None:
    """However few items are in stock, the list is that of sorting all of them."""
    popular, allowed = Popular(DATASET.histories), np.random.default_rng(0).random(40) < share
    order = np.argsort(-popular.interactions, kind="stable")
    order, trie, first = order[allowed[order]], build_trie(DATASET.sids.codes), DATASET.sids.codes[:, 0]
    one = [item for place, item in enumerate(order) if first[item] not in first[order[:place]]]
    for k in (1, 3, 40, 100):
        assert popular.best(k, allowed, trie).tolist() == order[:k].tolist()
        assert popular.best(k, allowed, trie, Spread(quota=1)).tolist() == one[:k]


def test_reasons_speak_of_the_newest_items() -> None:
    """Those that the decoder reads: what shares a code with an older one alone is not said to share none at all."""
    codes = DATASET.sids.codes[:, 0]
    alike, others = np.flatnonzero(codes == codes[0]), np.flatnonzero(codes != codes[0])[:8]
    listed = recommender().recommend([f"i{k:05d}" for k in (alike[0], *others)], 40)
    said = {each.reason for each in listed if each.item_id in {f"i{k:05d}" for k in alike}}
    assert said == {"follows from the history as a whole; shares no code with its newest items"}


def test_rows_without_events_get_no_item() -> None:
    """Between others, behind the last of all, and alone; the others get what they get alone."""
    histories = histories_by_hand([[0, 1, 2], [], [5, 6, 7], []], [3, 0, 3, 0], [0] * 4, 40)
    decoder = random_decoder(DATASET.sids, content=16)
    serving = Recommender(decoder, Dataset(histories, DATASET.sids), VECTORS, TITLES)
    together = serving.rank_users(np.arange(4), 3)
    assert (together.items[[1, 3]] == -1).all() and np.isneginf(together.scores[[1, 3]]).all()
    for row in (0, 2):
        for every, alone in zip(together, serving.rank_users(np.array([row]), 3), strict=True):
            assert every[row] == pytest.approx(alone[0], rel=1e-5)
    for users in (np.array([3, 1]), np.array([], np.int64)):
        ranked = serving.rank_users(users, 3)
        assert {each.shape for each in ranked} == {(len(users), 3)} and (ranked.items == -1).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([3, -1], "1 of 2 rows are not of this release's histories, such as -1; allowed is 0 to 59"),
        ([60, 61], "2 of 2 rows are not of this release's histories, such as 60"),
        ([0.0], r"users=array\(\[0\.\]\); allowed are rows of the histories"),
        ([[1]], "allowed are rows of the histories"),
    ],
)
def test_rows_are_of_the_histories(rows: list[object], message: str) -> None:
    """A row from the end, one beyond the last, and what is no row at all."""
    with pytest.raises(DataContractError, match=message):
        recommender().rank_users(np.array(rows), 3)


def test_users_may_come_one_after_another() -> None:
    """A generator is read once and whole."""
    serving = recommender()
    users = ["u00003", "nobody"]
    assert serving.recommend_many((user for user in users), 3) == serving.recommend_many(users, 3)


def test_a_history_within_a_history_is_named() -> None:
    """One bracket too many is no item."""
    with pytest.raises(DataContractError, match=r"1 of 1 items are not in this release's catalogue: \['i00001'\]"):
        recommender().recommend([["i00001"]], 3)  # type: ignore[list-item]


@pytest.mark.parametrize("depth", [0, 3, 1.5])
def test_a_prefix_has_some_codes_of_a_sid(depth: object) -> None:
    """Between one and all, in whole numbers."""
    with pytest.raises(DataContractError, match=f"depth {depth}; allowed is 1 to 2, the codes of a SID"):
        recommender().prefix_of("i00001", depth)  # type: ignore[arg-type]


def test_availability_is_of_the_catalogue() -> None:
    """A list will do; one of another length will not."""
    serving = recommender()
    assert len(serving.with_availability([True] * 2 + [False] * 38).recommend("nobody", 9)) == 2  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"40 items, but availability of shape \(39,\)"):
        serving.with_availability(np.ones(39, bool))
