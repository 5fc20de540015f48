"""How many of the pairs that a criterion keeps are real: simulated logs with planted links, then a real log.

    python benchmarks/pairs_calibration.py [--seeds 10]
    python benchmarks/pairs_calibration.py --interactions FILE [--user user_id --item item_id --timestamp timestamp]

Simulated: users of log-normal activity draw items by popularity; a planted link makes a user who takes one item of a
pair take the other one too, now and then. A kept pair that is no link is a false discovery. Real: the kept pairs of the
training parts (each user's last two events left out) against co-occurrences that the held-out events bring.
Each seed is one JSON file in the output folder, so that a stopped benchmark goes on where it was.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import chi2

from sidflow.pairs.association import hypergeometric_tail, npmi, signed_llr
from sidflow.pairs.count import Counts, count_pairs
from sidflow.pairs.log import Log, count_users
from sidflow.pairs.margins import Margins, make_margins
from sidflow.pairs.significance import fdr_threshold, item_pair_tests, pmi, tail_probability

LN2 = float(np.log(2))
Q = 0.05
MIN_SUPPORT = 2
USERS, ITEMS, LINKS = 30_000, 3_000, 1_500


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--interactions", type=Path)
    for role in ("user", "item"):
        parser.add_argument(f"--{role}", default=f"{role}_id")
    parser.add_argument("--timestamp", default="timestamp")
    parser.add_argument("--order-by", nargs="*", default=[], help="tie-breakers for equal timestamps")
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/pairs_calibration"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.interactions:
        from real_log import measure_real  # beside this file

        measure_real(arguments)
        return
    print_simulated([run_seed(arguments.out, seed) for seed in range(arguments.seeds)])


def run_seed(out: Path, seed: int) -> dict[str, Any]:
    """All criteria on one simulated log, or its row if it is there."""
    path = out / f"simulated-{seed}.json"
    if path.exists():
        row: dict[str, Any] = json.loads(path.read_text())
        return row
    log, links = simulate(np.random.default_rng(seed))
    counts = count_pairs(log, ITEMS)
    is_link = np.isin(counts.a.astype(np.int64) * ITEMS + counts.b, links)
    users, item_users = count_users(log, ITEMS)
    kept = criteria(counts, users, item_users)
    row = {
        "seed": seed,
        "events": len(log.items),
        "observed_pairs": counts.observed,
        "links": len(links),
        "kept": {name: [int(chosen.sum()), int((chosen & is_link).sum())] for name, chosen in kept.items()},
    }
    path.write_text(json.dumps(row, indent=1))
    return row


def simulate(rng: np.random.Generator) -> tuple[Log, np.ndarray]:
    """A log of whole histories, and the planted links as a * ITEMS + b, a < b."""
    popularity = rng.pareto(1.2, ITEMS) + 1.0
    shuffled = rng.permutation(ITEMS)[: 2 * LINKS].reshape(-1, 2)
    partner = np.full(ITEMS, -1)
    partner[shuffled[:, 0]], partner[shuffled[:, 1]] = shuffled[:, 1], shuffled[:, 0]
    sizes = np.clip(rng.lognormal(2.2, 0.9, USERS).astype(int), 2, 300)
    drawn = rng.choice(ITEMS, sizes.sum(), p=popularity / popularity.sum())
    user = np.repeat(np.arange(USERS), sizes)
    strength = np.empty(ITEMS)
    strength[shuffled] = 10.0 ** rng.uniform(-1.7, -0.7, (LINKS, 1))  # 2% to 20% of the takers, the same both ways
    follows = (partner[drawn] >= 0) & (rng.random(len(drawn)) < strength[drawn])
    keys = np.unique(np.concatenate((user * ITEMS + drawn, (user * ITEMS + partner[drawn])[follows])))
    offsets = np.searchsorted(keys // ITEMS, np.arange(USERS + 1))
    window = int(np.diff(offsets).max())
    links = np.sort(shuffled, axis=1)
    return Log(offsets, (keys % ITEMS).astype(np.int32), window), links[:, 0].astype(np.int64) * ITEMS + links[:, 1]


def criteria(counts: Counts, users: int, item_users: np.ndarray) -> dict[str, np.ndarray]:
    """Name of a criterion and which of the observed pairs it keeps, each at q = 5% where it has an error rate."""
    a, b, k = counts.a, counts.b, counts.support
    tests = item_pair_tests(item_users, MIN_SUPPORT)
    enough = k >= MIN_SUPPORT
    margins = {
        kind: make_margins(kind, counts.margins, counts.tokens, item_users, users) for kind in ("pair", "kappa", "user")
    }
    expected = margins["pair"].expected(a, b)

    def accepted(p: np.ndarray) -> np.ndarray:
        p = np.where(enough, p, 1.0)
        return np.asarray(p <= fdr_threshold(p, tests, Q)) & enough

    llr = signed_llr(k, item_users[a], item_users[b], users)
    one_sided = np.where(llr > 0, chi2.sf(llr, 1) / 2, 1.0)
    return {
        "minimal information, iota = ln 2 (default)": accepted(tail_probability(k, expected, LN2)),
        "minimal information, iota = 0": accepted(tail_probability(k, expected)),
        "the same with kappa margins": accepted(_tail(k, margins["kappa"], a, b, LN2)),
        "the same with user margins": accepted(_tail(k, margins["user"], a, b, LN2)),
        "hypergeometric, 2x2 user table": accepted(hypergeometric_tail(k, item_users[a], item_users[b], users)),
        "LLR, 2x2 user table": accepted(one_sided),
        "LLR > 10.83": llr > 10.83,
        "PMI > 2, support >= 2": (pmi(k, expected) > 2) & enough,
        "NPMI > 0.3, support >= 2": (npmi(k, expected, counts.tokens) > 0.3) & enough,
        "support >= 2": enough,
    }


def _tail(support: np.ndarray, margins: Margins, a: np.ndarray, b: np.ndarray, iota: float) -> np.ndarray:
    return tail_probability(support, margins.expected(a, b), iota)


def print_simulated(rows: list[dict[str, Any]]) -> None:
    """Mean over seeds, and least to greatest, per criterion."""
    events = statistics.fmean(row["events"] for row in rows)
    observed = statistics.fmean(row["observed_pairs"] for row in rows)
    print(f"{USERS:,} users, {ITEMS:,} items, {events:,.0f} events, {observed:,.0f} observed pairs, {LINKS:,} links;")
    print(f"means of {len(rows)} seeds, least to greatest in brackets\n")
    print(f"| {'criterion':44} | {'kept':>9} | {'true':>6} | {'FDR':>20} | {'power':>20} |")
    print(f"|{'-' * 46}|{'-' * 10}:|{'-' * 7}:|{'-' * 21}:|{'-' * 21}:|")
    for name in rows[0]["kept"]:
        kept, true = (np.array([row["kept"][name][i] for row in rows]) for i in (0, 1))
        fdr, power = (kept - true) / np.maximum(kept, 1), true / np.array([row["links"] for row in rows])
        print(f"| {name:44} | {kept.mean():9,.0f} | {true.mean():6,.0f} | {_span(fdr)} | {_span(power)} |")


def _span(values: np.ndarray) -> str:
    return f"{values.mean():.3f} ({values.min():.3f}-{values.max():.3f})".rjust(20)


if __name__ == "__main__":
    main()
