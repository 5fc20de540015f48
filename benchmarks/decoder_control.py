"""What control costs: coverage, Gini and intra-list distance against Recall, for each way to steer a list.

    sidflow run --config benchmarks/amazon.yaml
    python benchmarks/decoder_control.py [--config benchmarks/amazon.yaml] [--users 4000]

One decoder, the current release's, ranks the same test users under each setting. Filters that know the answer (the
target's first code, its category) show what a mask is worth when the user's wish is known; the others cost Recall.
"""

import argparse
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from torch import Tensor

from sidflow.artifacts import Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import load_config
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.decoder.cold import Search
from sidflow.decoder.files import load_decoder
from sidflow.decoder.metrics import coverage, ndcg_gains, recall_gains
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import Contexts, context_batches, encode_contexts, measured_contexts, seen_items
from sidflow.decoder.rescore import make_rescore
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import Trie, build_trie
from sidflow.embedding.table import read_embeddings
from sidflow.release import current_release

K, BEAM, BATCH = 10, 50, 256
SPREADS = {
    "as shipped": Spread(),
    "temperature 1.5 at level 1": Spread(temperatures=(1.5,)),
    "temperature 2 at level 1": Spread(temperatures=(2.0,)),
    "temperature 4 at level 1": Spread(temperatures=(4.0,)),
    "temperature 2 at all levels": Spread(temperatures=(2.0, 2.0, 2.0)),
    "quota 5 at level 1": Spread(quota=5),
    "quota 3 at level 1": Spread(quota=3),
    "quota 2 at level 1": Spread(quota=2),
    "quota 1 at level 1": Spread(quota=1),
    "quota 1 at level 2": Spread(quota=1, quota_level=2),
}


class Served(NamedTuple):
    """A release, and the users whose lists are made."""

    decoder: Decoder
    table: Tensor  # (N, d)
    trie: Trie
    dataset: Dataset
    vectors: np.ndarray  # (N, D), unit length
    contexts: Contexts
    groups: dict[str, np.ndarray]  # (N,) each: what an item belongs to


def main() -> None:
    """Print one line a setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="benchmarks/amazon.yaml")
    parser.add_argument("--users", type=int, default=4_000)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    served = read_release(Store(load_config(arguments.config, arguments.overrides).store.root), arguments.users)
    print(f"{len(served.contexts.users):,} users, {len(served.vectors):,} items, lists of {K}, beam {BEAM}\n")
    print("| setting | recall@10 | ndcg@10 | coverage@10 | Gini | intra-list distance | first codes in a list |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, spread in SPREADS.items():
        print_line(name, served, lists(served, spread=spread))
    print_line("seen items left out", served, lists(served, unseen=True))
    half = np.random.default_rng(0).random(len(served.vectors)) < 0.5
    targets = served.dataset.histories.items[served.contexts.ends]
    print_line("half the catalogue in stock", served, lists(served, allowed=half), half[targets])
    for name, group in served.groups.items():
        print_line(f"only the target's {name}", served, grouped_lists(served, group, targets))
    newest = served.dataset.histories.items[served.contexts.ends - 1]
    first = served.groups["first code"]
    print_line("more like the newest item: its first code", served, grouped_lists(served, first, newest))


def read_release(store: Store, users: int) -> Served:
    """The current release and a sample of its test users."""
    release = current_release(store)
    if release is None:
        raise SystemExit(f"No release in {store.root}: run the pipeline first.")
    files = {kind: store.files(release.artifact(kind)) for kind in ("dataset", "embeddings", "decoder", "catalogue")}
    dataset = read_dataset(files["dataset"])
    contexts = measured_contexts(dataset.histories)
    if users < len(contexts.users):
        drawn = np.sort(np.random.default_rng(0).choice(len(contexts.users), users, replace=False))
        contexts = contexts.take(drawn)
    groups = {"first code": dataset.sids.codes[:, 0].astype(np.int64)}
    groups["first two codes"] = groups["first code"] * dataset.sids.sizes[1] + dataset.sids.codes[:, 1]
    catalogue = read_catalogue_table(files["catalogue"])
    if "category" in catalogue.column_names:
        text = catalogue["category"].combine_chunks().cast(pa.string()).fill_null("")
        groups["category"] = text.dictionary_encode().indices.to_numpy().astype(np.int64)
    vectors = np.asarray(read_embeddings(files["embeddings"]).vectors)
    decoder = load_decoder(files["decoder"], dataset.sids)
    table, trie = decoder.item_table(vectors), build_trie(dataset.sids.codes)
    return Served(decoder, table, trie, dataset, vectors, contexts, groups)


def lists(
    served: Served,
    rows: np.ndarray | None = None,
    allowed: np.ndarray | None = None,
    spread: Spread | None = None,
    unseen: bool = False,
) -> np.ndarray:
    """Lists of all contexts, or of those in `rows`, (c, K); -1 where there are fewer."""
    decoder, dataset = served.decoder, served.dataset
    contexts = served.contexts if rows is None else served.contexts.take(rows)
    search = Search(decoder, served.table, served.trie, allowed)
    top = np.empty((len(contexts.users), K), np.int64)
    for batch, histories, lengths in context_batches(dataset.histories.items, contexts, decoder.max_items, BATCH):
        states = encode_contexts(decoder, search.table, histories, lengths)
        rescore = make_rescore(decoder.rescorer, served.vectors, histories, lengths)
        held = contexts.starts[batch], contexts.ends[batch]
        seen = seen_items(dataset.histories.items, *held) if unseen else None
        top[batch] = search(states, BEAM, K, seen, rescore, spread)[0].numpy()
    return top


def grouped_lists(served: Served, groups: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Lists that hold only items of the group of one item a context, `wanted` (c,): a mask for each group."""
    top = np.empty((len(wanted), K), np.int64)
    for group in np.unique(groups[wanted]):
        rows = np.flatnonzero(groups[wanted] == group)
        top[rows] = lists(served, rows, groups == group)
    return top


def print_line(name: str, served: Served, top: np.ndarray, counted: np.ndarray | None = None) -> None:
    """One setting; Recall and NDCG of the contexts in `counted` (c,) bool, those whose target may be found at all."""
    hits = top == served.dataset.histories.items[served.contexts.ends][:, None]
    ranks = np.where(hits.any(1), hits.argmax(1) + 1, 0)[counted if counted is not None else slice(None)]
    first = served.groups["first code"][top]
    first[top < 0] = -1
    different = (np.diff(np.sort(first, 1), axis=1) != 0).sum(1) + 1 - (first < 0).any(1)
    print(
        f"| {name} | {recall_gains(ranks, K).mean():.4f} | {ndcg_gains(ranks, K).mean():.4f} "
        f"| {coverage(top, len(served.vectors)):.3f} | {gini(top, len(served.vectors)):.3f} "
        f"| {intra_list_distance(top, served.vectors):.3f} | {different.mean():.1f} |",
        flush=True,
    )


def gini(top: np.ndarray, items: int) -> float:
    """How unevenly lists (c, K) spread over a catalogue: 0 is evenly, 1 is one item alone; -1 is empty."""
    shown = np.sort(np.bincount(top[top >= 0], minlength=items))
    rank = np.arange(1, items + 1)
    return float((2 * rank - items - 1) @ shown / (items * max(shown.sum(), 1)))


def intra_list_distance(top: np.ndarray, vectors: np.ndarray) -> float:
    """Mean of 1 - cosine over the pairs of a list, then over lists (c, K) with at least two items.

    Args:
        top: Catalogue indices, -1 for none.
        vectors: Content vectors of unit length, (N, D).

    Source: Ziegler et al. 2005, Improving recommendation lists through topic diversification.
    """
    there = top >= 0
    count = there.sum(1)
    several = count > 1
    total = np.einsum("ck,ckd->cd", there[several].astype(np.float32), vectors[top[several]])
    similar = ((total**2).sum(1) - count[several]) / (count[several] * (count[several] - 1))
    return float(1 - similar.mean()) if several.any() else 0.0


if __name__ == "__main__":
    main()
