"""What a person reads at the end of a run."""

import shlex
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.commands.options import plain
from flows.evidence import METRICS
from flows.steps import StepRecord, Summary
from sidflow.artifacts import Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import Config
from sidflow.histories.table import read_histories
from sidflow.recommender import load_recommender
from sidflow.release import REPORTS, Release, current_release, find_release, report_path
from sidflow.semantic_ids.table import read_semantic_ids

SHOWN_SIDS = 5
SHOWN_RECOMMENDATIONS = 10


def print_summary(summary: Summary, config: Config, options: str = "") -> None:
    """Stages, a few SIDs, metrics beside baselines, recommendations, places, and what to try next.

    Args:
        summary: What the run made.
        config: Of the run.
        options: What commands of the same store need, such as ` --config my.yaml`.
    """
    console = Console(highlight=False, soft_wrap=False)
    console.print(_stages(summary))
    store = Store(config.store.root)
    if summary.decision is not None:
        console.print(
            f"Decision: [bold]{summary.decision['action']}[/bold] - {summary.decision['reason']}", markup=True
        )
    for artifact in (each for each in summary.artifacts if each.kind == "semantic_ids"):
        console.print(_churn(store, artifact))
    if summary.metrics is not None:
        console.print(_metrics(summary.metrics))
    if summary.release is None:
        console.print("No release: the run ended before it (--until).")
        return
    release = find_release(store, summary.release)
    _print_sids(console, store, release)
    user = _print_recommendations(console, store, release)
    _print_places(console, store, summary)
    console.print("\nTry next:", style="bold")
    for command in (f"recommend{options} {argument(user)}", f"show{options} semantic_ids", f"serve{options}"):
        console.print(plain(f"  sidflow {command}"), style="cyan", soft_wrap=True)


def argument(text: str) -> str:
    """Text of the data as one argument of a shell's command, not taken for an option."""
    return f"-- {shlex.quote(text)}" if text.startswith("-") else shlex.quote(text)


def print_backfill(summaries: Sequence[Summary]) -> None:
    """One line per logical time."""
    table = Table("release", "decision", "recall@10", "ndcg@10", "stages made", "cached", title="Backfill")
    for each in summaries:
        test = (each.metrics or {}).get("test", {})
        made = sum(not step.cached for step in each.artifacts)
        table.add_row(
            each.release or "-",
            (each.decision or {}).get("action", "-"),
            *(f"{test[name]:.4f}" if name in test else "-" for name in ("recall@10", "ndcg@10")),
            str(made),
            str(len(each.artifacts) - made),
        )
    Console().print(table)


def _stages(summary: Summary) -> Table:
    table = Table("stage", "fingerprint", title="Stages", title_justify="left")
    for name in ("rows", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("cached")
    for step in summary.artifacts:
        seconds = "" if step.cached else f"{step.seconds:.1f}"
        table.add_row(step.kind, step.fingerprint[:12], f"{step.rows:,}", seconds, "cached" if step.cached else "")
    return table


def _churn(store: Store, step: StepRecord) -> str:
    found = store.find(step.kind, step.fingerprint)
    facts = found.metrics if found is not None else {}
    if not facts.get("common_items"):
        return "Churn: none, these are the first SIDs."
    levels = ", ".join(f"level {level}: {share:.2%}" for level, share in enumerate(facts["churn_by_level"], start=1))
    traffic = f"; of traffic {facts['churn_traffic']:.2%}" if "churn_traffic" in facts else ""
    return (
        f"Churn: {facts['churn']:.2%} of {facts['common_items']:,} known items{traffic} ({levels}); "
        f"{facts['new_items']:,} new, {facts['removed_items']:,} gone."
    )


def _metrics(metrics: dict[str, Any]) -> Table:
    table = Table("ranking of the whole catalogue", title="Test metrics", title_justify="left")
    for name in METRICS:
        table.add_column(name, justify="right")
    rows = {"sidflow": metrics["test"], **metrics["baselines"]}
    for name, values in rows.items():
        style = "bold" if name == "sidflow" else ""
        table.add_row(name.replace("_", " "), *(f"{values[each]:.4f}" for each in METRICS), style=style)
    return table


def _print_sids(console: Console, store: Store, release: Release) -> None:
    table = read_semantic_ids(store.files(release.artifact("semantic_ids")))
    titles = read_catalogue_table(store.files(release.artifact("catalogue")))["title"]
    shown = Table("item", "SID", "topics, level by level", title="Some semantic IDs", title_justify="left")
    step = max(len(table.item_ids) // SHOWN_SIDS, 1)
    for row in range(0, len(table.item_ids), step)[:SHOWN_SIDS]:
        topics = " > ".join(dict.fromkeys(table.topics[row])) if table.topics else ""
        shown.add_row(plain(str(titles[row])), "-".join(map(str, table.codes[row])), plain(topics))
    console.print(shown)


def _print_recommendations(console: Console, store: Store, release: Release) -> str:
    users = read_histories(store.files(release.artifact("histories"))).user_ids
    user = str(users[len(users) // 2])
    table = Table("", "title", "SID", "score", title=f"Recommendations for user {plain(user)}", title_justify="left")
    for rank, each in enumerate(load_recommender(store, release).recommend(user, SHOWN_RECOMMENDATIONS), start=1):
        table.add_row(str(rank), plain(each.title), each.sid, f"{each.score:.3f}")
    console.print(table)
    return user


def _print_places(console: Console, store: Store, summary: Summary) -> None:
    live = current_release(store)
    state = "current" if live is not None and live.id == summary.release else "not current"
    console.print(f"Release {summary.release} ({state}) in {store.storage.url('releases')}")
    table = next(each for each in summary.artifacts if each.kind == "semantic_ids")
    console.print(f"SID table: {table.path}", soft_wrap=True)
    if f"{summary.release}.html" in store.storage.children(REPORTS):
        console.print(f"Report: {store.storage.url(report_path(str(summary.release)))}", soft_wrap=True, markup=False)
