"""What the messages advise does help."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.artifacts.kinds import dependents
from sidflow.config import load_config
from sidflow.errors import CorruptArtifact
from tests.errors.store import cut_manifest, flip, part_of


def run(folder: Path, redo: str | None = None) -> None:
    """A run up to the histories, as `sidflow run --refresh` does it."""
    config = load_config(folder / "pipeline.yaml", ["histories.min_user_events=3"])
    store = Store(config.store.root, dependents(redo) if redo else frozenset())
    run_stages(Steps(store=store, until="histories", direct=True), config, None)


def cut_and_delete(folder: Path) -> None:
    """A cut manifest, then the folder deleted as the message says."""
    cut_manifest(folder)
    with pytest.raises(CorruptArtifact, match="Delete the folder and run again with --refresh catalogue"):
        run(folder)
    [attempt] = (folder / "store" / "artifacts" / "catalogue").glob("*/attempts/*")
    (attempt / "manifest.json").unlink()


def spoil_the_log(folder: Path) -> None:
    """Spoil the interactions, whose part is a hard link to their segment's."""
    part_of(folder, "interactions", "part-00000.parquet").write_bytes(b"PAR1 no more PAR1")


@pytest.mark.parametrize(
    ("spoil", "stage"), [(flip, "catalogue"), (spoil_the_log, "interactions"), (cut_and_delete, "catalogue")]
)
def test_a_refresh_mends_a_spoiled_store(world: Path, spoil: Callable[[Path], None], stage: str) -> None:
    """--refresh of the stage that the message names makes it again, and later runs need it no more."""
    spoil(world)
    run(world, stage)
    run(world)
