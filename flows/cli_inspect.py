"""Commands that look into the store."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from flows.cli_summary import plain
from sidflow.artifacts import Manifest, Store
from sidflow.artifacts.kinds import check_kind
from sidflow.config import Config
from sidflow.errors import ConfigError, MissingArtifact
from sidflow.fetch import DATASETS, fetch
from sidflow.recommender import load_recommender
from sidflow.release import Release, current_release, release_artifact


def list_artifacts(config: Config, failed: bool, as_json: bool) -> None:
    """Print every complete artifact, or only refused candidates with what refused them."""
    store = Store(config.store.root)
    rows = [_row(store, each) for each in sorted(store.manifests(), key=lambda each: each.created)]
    rows = [each for each in rows if not failed or each["failed"]]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table("kind", "fingerprint", "state", "rows", "seconds", "created", "refused by")
    for each in rows:
        table.add_row(
            each["kind"],
            each["fingerprint"][:12],
            each["state"],
            f"{each['rows']:,}",
            f"{each['seconds']:.1f}",
            each["created"][:19],
            plain("; ".join(each["failed"])),
        )
    Console().print(table if rows else "No artifacts." if not failed else "No refused candidates.")


def show_manifest(config: Config, kind: str, as_json: bool) -> None:
    """Print the manifest of the current release's artifact of a kind."""
    store = Store(config.store.root)
    check_kind(kind, "show")
    release = _live(store)
    artifact = release_artifact(store, release.id) if kind == "release" else release.artifact(kind)
    content = {**json.loads(store.manifest(artifact).model_dump_json()), "location": store.location(artifact)}
    if as_json:
        print(json.dumps(content, indent=1))
        return
    console = Console()
    console.print(f"{kind} of release {release.id}", style="bold")
    console.print_json(data=content)


def print_recommendations(
    config: Config, users: Sequence[str], history: Sequence[str] | None, k: int, as_json: bool
) -> None:
    """Print recommendations of the current release, with titles and scores."""
    store = Store(config.store.root)
    release = _live(store)
    recommender = load_recommender(store, release)
    asked: list[str | Sequence[str]] = [history] if history is not None else list(users)
    names = [f"after {', '.join(history)}"] if history is not None else [f"user {each}" for each in users]
    lists = recommender.recommend_many(asked, k)
    if as_json:
        rows = [
            {"for": name, "release": release.id, "items": [asdict(item) for item in items]}
            for name, items in zip(names, lists, strict=True)
        ]
        print(json.dumps(rows, indent=1))
        return
    for name, items in zip(names, lists, strict=True):
        table = Table("", "item", "title", "SID", "score", "why", title=plain(f"For {name}"), title_justify="left")
        for rank, item in enumerate(items, start=1):
            texts = (item.item_id, item.title, item.sid, f"{item.score:.4f}", item.reason)
            table.add_row(str(rank), *(plain(each) for each in texts))
        Console().print(table)


def fetch_dataset(name: str, folder: Path) -> None:
    """Fetch a public data set and say where it came from."""
    if name not in DATASETS:
        raise ConfigError(f"fetch {name}: no such data set; allowed: {', '.join(DATASETS)}.")
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        line = bar.add_task(f"fetch {name}", total=None)
        fetched = fetch(name, folder, lambda done, total: bar.update(line, completed=done, total=total))
    print(f"{name}: {fetched.folder} ({fetched.origin})")


def _live(store: Store) -> Release:
    release = current_release(store)
    if release is None:
        raise MissingArtifact(
            f"{store.storage.url('releases')}: no release is published yet; make one with: sidflow run."
        )
    return release


def _row(store: Store, manifest: Manifest) -> dict[str, Any]:
    published = store.is_published(manifest)
    verdict = store.storage.read(f"{manifest.folder}/verdict.json")
    gates = json.loads(verdict)["gates"] if verdict else list(manifest.gates)
    failed = [f"{each['expectation']} {each['subject']}={each['observed']}" for each in gates if not each["success"]]
    return {
        "kind": manifest.kind,
        "fingerprint": manifest.fingerprint,
        "state": "published" if published else "candidate",
        "path": store.location(store.artifact(manifest)),
        "rows": manifest.rows,
        "seconds": manifest.seconds,
        "created": manifest.created,
        "failed": failed,
        "failing_rows": store.storage.url(f"{manifest.folder}/failing_rows.jsonl")
        if store.storage.read(f"{manifest.folder}/failing_rows.jsonl")
        else None,
    }
