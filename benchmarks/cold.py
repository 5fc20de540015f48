"""Cold items: a twentieth of the catalogue is hidden from training, and must be found all the same.

    sidflow fetch amazon-beauty
    python benchmarks/cold.py [--interactions FILE --catalogue FILE] [--seeds 3] [--shares 0 0.05 0.1 0.2]

For every seed, 5% of the items lose all events but test targets: pairs, quantiser and decoder never see them; they
get their codes from the fitted quantiser, as new items do. The same users are then ranked with several values of
decoder.cold_share. Rows are JSON files in the output folder, so that a stopped benchmark goes on where it was.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from result_rows import keep_row, kept_row

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.config import Config, load_config
from sidflow.dataset.build import Dataset
from sidflow.decoder.calibrate import fit_rescorer
from sidflow.decoder.cold import Search
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.metrics import bootstrap_interval, recall_gains
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import measured_contexts, rank_contexts
from sidflow.decoder.trie import build_trie
from sidflow.embedding.table import Embeddings, read_embeddings
from sidflow.histories.table import Histories, read_histories
from sidflow.pairs.mine import mine_pairs
from sidflow.pairs.table import Pairs
from sidflow.quantizer.fit import fit_quantizer
from sidflow.semantic_ids.table import SidTable
from sidflow.semantic_ids.unique import make_unique

HIDDEN = 0.05


def main() -> None:
    """Measure what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactions", default="data/raw/amazon-beauty/interactions.csv")
    parser.add_argument("--catalogue", default="data/raw/amazon-beauty/items.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.05, 0.1, 0.2])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cold"))
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    files = [f"interactions.path={arguments.interactions}", f"catalogue.path={arguments.catalogue}"]
    config = load_config("benchmarks/amazon.yaml", [*files, *arguments.overrides])
    rows = []
    for seed in range(arguments.seeds):
        path = arguments.out / f"seed-{seed}.json"
        steps = Steps(Store(config.store.root), until="embeddings", direct=True)
        run_stages(steps, config, None)
        made_from: dict[str, Any] = {kind: steps.artifacts[kind].fingerprint for kind in ("histories", "embeddings")}
        made_from |= {name: getattr(config, name).identity() for name in ("pairs", "quantizer", "decoder")}
        made_from |= {"seed": seed, "shares": arguments.shares, "max_items": config.dataset.max_items}
        row = kept_row(path, made_from)
        rows.append(row or keep_row(path, measure(config, steps, seed, arguments.shares), made_from))
    print_table(rows)


def measure(config: Config, steps: Steps, seed: int, shares: list[float]) -> dict[str, Any]:
    """Recall@10 of all, cold and other targets at each share, with one decoder."""
    files = {kind: steps.store.files(artifact) for kind, artifact in steps.artifacts.items()}
    embeddings = read_embeddings(files["embeddings"])
    rng = np.random.default_rng(seed)
    hidden = rng.random(len(embeddings.item_ids)) < HIDDEN
    histories = hide(read_histories(files["histories"]), hidden)
    pairs, _ = mine_pairs(histories, config.pairs)
    dataset = Dataset(histories, assign(embeddings, hidden, pairs, config, seed))
    settings = config.decoder.model_copy(update={"seed": seed})
    trained = train_decoder(dataset, embeddings.vectors, settings, config.dataset.max_items)
    fit_rescorer(trained.decoder, dataset, embeddings.vectors, pairs)
    contexts = measured_contexts(histories)
    cold = hidden[histories.items[contexts.ends]]
    ranks = {share: ranked(trained.decoder, dataset, embeddings.vectors, share) for share in shares}
    base = recall_gains(ranks[shares[0]], 10)
    return {
        "seed": seed,
        "hidden_items": int(hidden.sum()),
        "users": len(cold),
        "cold_users": int(cold.sum()),
        "shares": {
            str(share): {
                "all": float(recall_gains(rank, 10).mean()),
                "cold": float(recall_gains(rank, 10)[cold].mean()),
                "others": float(recall_gains(rank, 10)[~cold].mean()),
                "difference_ci95": bootstrap_interval(recall_gains(rank, 10) - base, 1_000),
            }
            for share, rank in ranks.items()
        },
    }


def hide(histories: Histories, hidden: np.ndarray) -> Histories:
    """The histories without events of hidden items, (N,) bool, except where they are the test target."""
    lengths = np.diff(histories.offsets)
    user = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(user)) - histories.offsets[user]
    train = place < histories.n_train[user]
    validation = ~train & (place < (histories.n_train + histories.n_validation)[user])
    kept = ~(hidden[histories.items] & (train | validation))
    count = [np.bincount(user[kept & part], minlength=len(lengths)) for part in (np.ones(len(user), bool), train)]
    return Histories(
        user_ids=histories.user_ids,
        offsets=np.concatenate(([0], np.cumsum(count[0]))),
        items=histories.items[kept],
        timestamps=histories.timestamps[kept],
        n_train=count[1].astype(np.int32),
        n_validation=np.bincount(user[kept & validation], minlength=len(lengths)).astype(np.int32),
        item_ids=histories.item_ids,
    )


def assign(embeddings: Embeddings, hidden: np.ndarray, pairs: Pairs, config: Config, seed: int) -> SidTable:
    """SIDs of all items by a quantiser that was fitted on those that are not hidden."""
    vectors, place = np.asarray(embeddings.vectors), np.cumsum(~hidden) - 1
    seen = Pairs(**(vars(pairs) | {"a": place[pairs.a].astype(np.int32), "b": place[pairs.b].astype(np.int32)}))
    settings = config.quantizer.model_copy(update={"seed": seed})
    quantizer = fit_quantizer(vectors[~hidden], seen, settings).quantizer
    latents = quantizer.encode(vectors)
    settled = make_unique(quantizer, latents, quantizer.assign(latents), embeddings.item_ids, "unique")
    return SidTable(embeddings.item_ids, settled.codes, settled.sizes)


def ranked(decoder: Decoder, dataset: Dataset, vectors: np.ndarray, share: float) -> np.ndarray:
    """Ranks of the test targets, 0 beyond 10, with a share of the places for cold items."""
    decoder.config = decoder.config.model_copy(update={"cold_share": share})
    table, trie = decoder.eval().item_table(vectors), build_trie(dataset.sids.codes)
    contexts, items = measured_contexts(dataset.histories), dataset.histories.items
    search = Search(decoder, table, trie)
    return rank_contexts(search, items, contexts, 50, 10, vectors=vectors).ranks


def print_table(rows: list[dict[str, Any]]) -> None:
    """Means over seeds, least to greatest in brackets, and the change of all targets against the first share."""
    print("| decoder.cold_share | recall@10, all targets | change | 95% of each difference | cold targets | others |")
    print("|---:|---:|---:|---|---:|---:|")
    first = next(iter(rows[0]["shares"]))
    for share in rows[0]["shares"]:
        own = [row["shares"][share] for row in rows]
        base = [row["shares"][first] for row in rows]
        columns = [
            f"{statistics.mean(values):.4f} ({min(values):.4f}-{max(values):.4f})"
            for values in ([row[name] for row in own] for name in ("all", "cold", "others"))
        ]
        change = statistics.mean(row["all"] / start["all"] - 1 for row, start in zip(own, base, strict=True))
        found = [row["difference_ci95"] or (0.0, 0.0) for row in own]
        intervals = ", ".join(f"{low:+.4f} to {high:+.4f}" for low, high in found)
        print(f"| {share} | {columns[0]} | {change:+.1%} | {intervals} | {columns[1]} | {columns[2]} |")
    print(f"\n{len(rows)} seeds, {rows[0]['users']:,} users, {rows[0]['cold_users']:,} of them with a cold target")


if __name__ == "__main__":
    main()
