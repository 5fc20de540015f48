"""What benchmarks/decoder_speed.py measures."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from tiger_search import Tiger, make_tiger, tiger_top

from sidflow.artifacts import Store
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.decoder.cold import Search
from sidflow.decoder.files import load_decoder
from sidflow.decoder.metrics import ranking_metrics
from sidflow.decoder.ranking import drawn_contexts, rank_contexts
from sidflow.decoder.trie import build_trie
from sidflow.embedding.table import read_embeddings
from sidflow.histories.table import Histories
from sidflow.recommender import Recommender
from sidflow.release import Release

BEAM, K = 50, 10
WIDTHS = (BEAM, 100, 200, 400)
BATCH, BATCH_USERS = 128, 4_096
OURS_BATCH = 32  # beside tiger's 4, its quickest: of a sample of like length each
WARM_UP = 20  # calls before any are counted
LEAST_SECONDS = 2.0  # of the measurement of a rate

Facts = dict[str, float]


class Parts(NamedTuple):
    """What a release's lists are made from."""

    dataset: Dataset
    vectors: np.ndarray
    search: Search

    @classmethod
    def of(cls, store: Store, release: Release) -> "Parts":
        """Those of a release."""
        files = {kind: store.files(release.artifact(kind)) for kind in ("dataset", "embeddings", "decoder")}
        dataset, vectors = read_dataset(files["dataset"]), np.asarray(read_embeddings(files["embeddings"]).vectors)
        decoder = load_decoder(files["decoder"], dataset.sids)
        return cls(dataset, vectors, Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes)))


def latency(recommender: Recommender, histories: Histories, calls: int) -> Facts:
    """Milliseconds of `recommend` for one drawn user at a time: p50 and p99, by the wall clock and of CPU time."""
    drawn = np.random.default_rng(0).choice(len(histories.user_ids), calls + WARM_UP)
    users = [histories.user_ids[int(row)].as_py() for row in drawn]
    return _latency([partial(recommender.recommend, user, K) for user in users])


def tiger_latency(parts: Parts, calls: int) -> Facts:
    """The same of an untrained `tiger`, for validation contexts."""
    contexts = drawn_contexts(parts.dataset.histories, calls + WARM_UP, 0)
    tiger = make_tiger(parts.dataset.sids, Tiger())
    singles = [contexts.take(slice(row, row + 1)) for row in range(len(contexts.users))]
    return _latency([partial(tiger_top, tiger, parts.dataset, single, BEAM, K) for single in singles])


def _latency(calls: Sequence[Callable[[], object]]) -> Facts:
    """Milliseconds of a call: p50 and p99 behind the first ones, by the wall clock and of CPU time."""
    times = np.empty((len(calls), 2))
    for place, call in enumerate(calls):
        began = _clocks()
        call()
        times[place] = _clocks() - began
    p50, p99 = 1e3 * np.percentile(times[WARM_UP:], [50, 99], axis=0)
    return {"p50": p50[0], "p99": p99[0], "cpu_p50": p50[1], "cpu_p99": p99[1]}


def users_per_second(recommender: Recommender, histories: Histories) -> Facts:
    """Users a second by `rank_users`, drawn users in batches of like length."""
    lengths = np.diff(histories.offsets)
    rows = np.random.default_rng(1).choice(len(lengths), min(BATCH_USERS, len(lengths)), replace=False)
    rows = rows[np.argsort(lengths[rows], kind="stable")]

    def all_batches() -> None:
        for first in range(0, len(rows), BATCH):
            recommender.rank_users(rows[first : first + BATCH], K)

    return _rate(all_batches, len(rows))


def beams_against_exact(parts: Parts, users: int) -> dict[str, Any]:
    """How often lists are not those of a beam as wide as the catalogue, scored alike; validation contexts.

    Returns:
        users; a dictionary by width of the beam (the shipped one first): shares of the lists and of their first items
        that differ, overlap@10, recall@10 and ndcg@10; and the last two of the exact lists.
    """
    contexts, items = drawn_contexts(parts.dataset.histories, users, 0), parts.dataset.histories.items
    wide = len(parts.dataset.sids.codes)
    exact = rank_contexts(parts.search, items, contexts, wide, K, batch=2, vectors=parts.vectors)
    beams = {}
    for width in WIDTHS:
        beam = rank_contexts(parts.search, items, contexts, width, K, batch=64, vectors=parts.vectors)
        beams[str(width)] = {
            "differ": float((beam.top != exact.top).any(1).mean()),
            "first_differs": float((beam.top[:, 0] != exact.top[:, 0]).mean()),
            "overlap@10": float((beam.top[:, :, None] == exact.top[:, None]).any(2).mean()),
            **ranking_metrics(beam.ranks, (K,)),
        }
    return {"users": len(contexts.users), "beams": beams, "exact": ranking_metrics(exact.ranks, (K,))}


def turn_about(parts: Parts, users: int, repeats: int) -> list[Facts]:
    """Users a second of ours and of an untrained `tiger` on the same contexts, one after the other, and the ratio."""
    dataset = parts.dataset
    contexts = drawn_contexts(dataset.histories, users, 0)
    tiger = make_tiger(dataset.sids, Tiger())

    def ours() -> None:
        rank_contexts(parts.search, dataset.histories.items, contexts, BEAM, K, OURS_BATCH, vectors=parts.vectors)

    def theirs() -> None:
        tiger_top(tiger, dataset, contexts, BEAM, K)

    ours()
    theirs()
    rows = []
    for _ in range(repeats):
        own, other = _rate(ours, len(contexts.users)), _rate(theirs, len(contexts.users))
        row = {"ours": own["wall"], "tiger": other["wall"], "ours_cpu": own["cpu"], "tiger_cpu": other["cpu"]}
        rows.append(row | {f"ratio{clock}": row[f"ours{clock}"] / row[f"tiger{clock}"] for clock in ("", "_cpu")})
    return rows


def _rate(call: Callable[[], object], users: int) -> Facts:
    """Users a second of a call for so many, made until it is measurable: by the wall clock and by CPU time."""
    began, calls = _clocks(), 0
    while calls == 0 or (_clocks() - began)[0] < LEAST_SECONDS:
        call()
        calls += 1
    wall, cpu = users * calls / (_clocks() - began)
    return {"wall": float(wall), "cpu": float(cpu)}


def _clocks() -> np.ndarray:
    """Seconds of the wall clock and of this process's CPU time, (2,)."""
    return np.array([time.perf_counter(), time.process_time()])
