"""Section: what changed against the release before."""

from collections import Counter

import numpy as np

from sidflow.artifacts import Facts as Numbers
from sidflow.report.blocks import Block, Facts, Figure, Mark, Note, Section, Table, axes, facts, table
from sidflow.report.formats import NONE, count, decimal, share, shorten
from sidflow.report.palette import SERIES
from sidflow.report.subject import Subject
from sidflow.semantic_ids.churn import changed_prefixes, measure_churn
from sidflow.semantic_ids.table import SidTable, positions

SHOWN, FLOWS = 20, 12
MEASURES = ("recall@5", "recall@10", "recall@50", "ndcg@5", "ndcg@10", "ndcg@50")


def churn(subject: Subject) -> Section:
    """Churn by level, the moved items that users meet most, and the measures of both releases."""
    before = subject.previous
    if before is None:
        return Section("churn", "Change", (Note("This release has no predecessor: all semantic IDs are its own."),))
    changed = measure_churn(before.sids, subject.sids.item_ids, subject.sids.codes, subject.training_events)
    blocks: list[Block] = [change_facts(changed)]
    moved = moved_items(before.sids, subject.sids, subject.training_events)
    if len(moved):
        blocks += [churn_figure(changed), moved_table(before, subject, moved), flow_table(before, subject, moved)]
    else:
        blocks.append(Note("No item of both releases changed its semantic ID."))
    blocks.append(measures_table(before.release.metrics["test"], subject.release.metrics["test"]))
    return Section("churn", f"Change since release {before.release.id}", tuple(blocks))


def change_facts(changed: Numbers) -> Facts:
    """Items known, new and gone, and how many moved."""
    return facts(
        "",
        {
            "items in both": count(changed["common_items"]),
            "new": count(changed["new_items"]),
            "gone": count(changed["removed_items"]),
            "semantic IDs that changed": share(changed["churn"], 2),
            "of training traffic": share(changed.get("churn_traffic"), 2),
        },
    )


def churn_figure(changed: Numbers) -> Figure:
    """Share of items, and of traffic, whose prefix up to each level changed."""
    sides = {"items": changed["churn_by_level"], "traffic": changed.get("churn_traffic_by_level", [])}
    levels = [f"{level} code{'s' if level > 1 else ''}" for level in range(1, len(changed["churn_by_level"]) + 1)]
    data = [
        {"type": "bar", "name": f"share of {name}", "x": levels, "y": values, "marker": {"color": colour},
         "text": [f"{each:.1%}" for each in values], "textposition": "outside", "cliponaxis": False,
         "hovertemplate": "prefix of %{x}: %{y:.2%}<extra></extra>"}
        for (name, values), colour in zip(sides.items(), (SERIES[0], SERIES[4]), strict=True)
        if values
    ]  # fmt: skip
    top = max((value for values in sides.values() for value in values), default=0.0)
    return Figure(
        "churn-by-level",
        "Churn by prefix length",
        "Share of known items whose first one, two .. codes differ from the release before. Every changed prefix is "
        "a feature that downstream models must learn anew. Alarming: more than the decision explains.",
        "Bars: " + ", ".join(f"{level} {value:.1%}" for level, value in zip(levels, sides["items"], strict=True)) + ".",
        data,
        axes("prefix", "share changed", barmode="group",
             yaxis={"tickformat": ".0%", "range": [0, max(1.15 * top, 0.05)]}, xaxis={"type": "category"}),
        height=260,
        wide=True,
    )  # fmt: skip


def moved_items(before: SidTable, now: SidTable, popularity: np.ndarray) -> np.ndarray:
    """Items of both tables whose SID differs, as (item before, item now), most popular first, (m, 2)."""
    at = positions(now.item_ids, before.item_ids)
    known = np.flatnonzero(at >= 0)
    moved = changed_prefixes(before.codes[at[known]], now.codes[known])[:, -1]
    if before.codes.shape[1] != now.codes.shape[1]:
        moved[:] = True
    chosen = known[moved]
    chosen = chosen[np.argsort(-popularity[chosen], kind="stable")]
    return np.stack([at[chosen], chosen], axis=1)


def moved_table(before: Subject, now: Subject, moved: np.ndarray) -> Table:
    """The moved items that users meet most, with both SIDs and topics."""
    rows = [
        (
            shorten(now.titles[new], 60),
            count(int(now.training_events[new])),
            Mark("-".join(map(str, before.sids.codes[old])), "code"),
            Mark("-".join(map(str, now.sids.codes[new])), "code"),
            shorten(before.topic(old), 40),
            shorten(now.topic(new), 40),
        )
        for old, new in moved[:SHOWN].tolist()
    ]
    columns = ("item", "training events", "SID before", "SID now", "topic before", "topic now")
    return table(f"Moved items, the {len(rows)} of {len(moved):,} with most training events", columns, rows, "lrrrll")


def flow_table(before: Subject, now: Subject, moved: np.ndarray) -> Table:
    """Where items went whose first code changed."""
    flows: Counter[tuple[int, int]] = Counter()
    topics: dict[tuple[int, int], tuple[str, str]] = {}
    for old, new in moved.tolist():
        flow = int(before.sids.codes[old, 0]), int(now.sids.codes[new, 0])
        if flow[0] != flow[1]:
            flows[flow] += 1
            topics.setdefault(flow, (before.topic(old), now.topic(new)))
    rows = [
        (f"{old} to {new}", count(items), shorten(topics[old, new][0], 50), shorten(topics[old, new][1], 50))
        for (old, new), items in flows.most_common(FLOWS)
    ]
    return table(
        f"Largest flows between first codes, {len(rows)} of {len(flows):,}",
        ("first code", "items", "topic before", "topic now"),
        rows,
        "rrll",
        reading="Flows between like topics are a finer cut; between unlike ones they are a reason to look at items.",
    )


def measures_table(before: Numbers, now: Numbers) -> Table:
    """Test measures of both releases; their test events differ, so this is no paired comparison."""
    rows = []
    for name in MEASURES:
        if name in before and name in now:
            change = (now[name] - before[name]) / before[name] if before[name] else None
            label = name.replace("recall", "Recall").replace("ndcg", "NDCG")
            rows.append(
                (label, decimal(before[name]), decimal(now[name]), NONE if change is None else f"{change:+.1%}")
            )
    return table("Measures of both releases", ("measure", "before", "now", "relative change"), rows, reading="Each "
                 "release was measured on its own test events, so small changes say little.")  # fmt: skip
