"""Section: what this release is, at a glance."""

from collections.abc import Mapping
from typing import Any

from sidflow.artifacts import Manifest
from sidflow.report.blocks import Block, Facts, Mark, Note, Section, Table, Tiles, facts, table
from sidflow.report.formats import anything, count, decimal, interval, seconds, share
from sidflow.report.gates import Gates, latest_gates
from sidflow.report.subject import Subject


def overview(subject: Subject) -> Section:
    """Headline numbers, identity, the decision with its monitors, and what it was made with."""
    manifests = subject.manifests
    decided = manifests["decision"].metrics if "decision" in manifests else {}
    blocks: list[Block] = [
        headline(manifests, {kind: latest_gates(subject, each) for kind, each in manifests.items()}),
        identity(subject, manifests.get("release")),
        Note(f"Decision: {subject.release.decision}. {decided.get('reason', 'The reason is no longer in the store.')}"),
    ]
    if decided.get("monitors"):
        blocks.append(monitors(decided["monitors"], manifests["decision"].identity))
    if "release" in manifests:
        blocks.append(versions(manifests["release"]))
    return Section("overview", "Overview", tuple(blocks))


def headline(manifests: Mapping[str, Manifest], judged: Gates) -> Tiles:
    """A few numbers, each beside what it should be compared with; those that are not known are left out."""
    tiles = [*_ranking_tiles(manifests["metrics"].metrics)] if "metrics" in manifests else []
    if "semantic_ids" in manifests:
        made = manifests["semantic_ids"].metrics
        known = made.get("common_items", 0)
        tiles.append(("Items", count(made["items"]), f"{count(made.get('new_items'))} new"))
        if known:
            tiles.append(("Churn", share(made["churn"]), f"of {count(known)} known items"))
    if "histories" in manifests:
        users = manifests["histories"].metrics
        tiles.append(("Users", count(users.get("users")), f"{count(users.get('events'))} events"))
    if manifests:
        gates = [bool(gate["success"]) for results in judged.values() for gate in results]
        tiles.append(("Gates passed", f"{sum(gates)} of {len(gates)}", "expectations over all stages"))
        total = sum(each.seconds for each in manifests.values())
        tiles.append(("Work", seconds(total), "over all stages, when they were made"))
    return Tiles(tuple(tiles))


def identity(subject: Subject, manifest: Manifest | None) -> Facts:
    """Which release this is, and its place among the others."""
    release, entries = subject.release, subject.entries
    tags = sorted({tag for each in entries for tag in each.tags})
    state = Mark(
        subject.state, "good" if subject.state == "current" else "bad" if "withdraw" in subject.state else "muted"
    )
    commit = None
    if manifest is not None and manifest.git_commit:
        commit = Mark(manifest.git_commit[:12] + (" with uncommitted changes" if manifest.git_dirty else ""), "code")
    return facts(
        "",
        {
            "Release": Mark(release.id, "code"),
            "State": state,
            "As of": f"{release.as_of:%Y-%m-%d %H:%M:%S} UTC, exclusive",
            "Published": f"{entries[0].at:%Y-%m-%d %H:%M:%S} UTC" if entries else None,
            "Previous release": Mark(release.previous, "code") if release.previous else "none",
            "Tags": ", ".join(tags) or None,
            "Git commit": commit,
        },
    )


def monitors(seen: Mapping[str, Any], limits: Mapping[str, Any]) -> Table:
    """What the decision saw, beside the limits of the refresh policy."""
    bounds = {
        "distortion_ratio": ("at most", "max_distortion_ratio"),
        "traffic_psi": ("at most", "max_traffic_psi"),
        "new_share": ("at most", "max_new_share"),
        "cohesion_ratio": ("at least", "min_cohesion_ratio"),
    }
    rows = []
    for name, value in seen.items():
        bound = bounds.get(name)
        limit = f"{bound[0]} {limits[bound[1]]:g}" if bound and bound[1] in limits else ""
        rows.append((name.replace("_", " "), "not measurable" if value is None else anything(value), limit))
    return table("What the decision saw", ("monitor", "value", "limit"), rows, folded="Monitors behind the decision")


def versions(manifest: Manifest) -> Table:
    """What the release was made with."""
    rows = [(name, version) for name, version in [*manifest.versions.items(), ("device", manifest.device)]]
    return table("Versions", ("package", "version"), rows, "ll", folded="Packages and device")


def _ranking_tiles(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    test, against = metrics["test"], metrics.get("baselines", {})
    tiles = []
    for name, title in (("recall@10", "Recall@10"), ("ndcg@10", "NDCG@10")):
        spread = metrics.get("ci95", {}).get(name)
        best = max((values[name] for values in against.values()), default=None)
        beside = f"95%: {interval(spread, 3)}" if spread else ""
        tiles.append((title, decimal(test[name]), f"{beside}; best baseline {decimal(best)}".lstrip("; ")))
    if "coverage@10" in metrics:
        tiles.append(("Coverage@10", share(metrics["coverage@10"]), "of the catalogue is recommended to somebody"))
    return tiles
