"""What a run would do, found out by the stages' own recipes, without work and without a write."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, ParamSpec

from prefect import Task
from pydantic import BaseModel

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Artifact, Manifest, Store
from sidflow.artifacts.kinds import KINDS
from sidflow.artifacts.planning import MOST_SHOWN, NotMade, Pending, WouldWrite, differences, is_pending, pending
from sidflow.config import Config
from sidflow.errors import GateRefused, SidflowError
from sidflow.release import Release
from tasks.stage import unwrap

P = ParamSpec("P")
State = Literal["cached", "publish", "run", "refused", "fails", "waits"]

_SECTIONS = {
    "segment": "interactions",
    "items": "catalogue",
    "availability": "catalogue",
    "embeddings": "embedding",
    "decision": "refresh",
    "metrics": "evaluation",
}
_SPOKEN = {
    "source": "a source file is new or has changed",
    "sources": "the source files have changed",
    "name": "a source file has another name",
    "as_of_us": "the logical time is another",
    "content": "the items have changed",
    "flags": "which items are available has changed",
    "attempts": "it pins other artifacts",
    "encoder": "the text is made or encoded in another way",
}


class PlannedStage(BaseModel):
    """What a run would do at one stage.

    Attributes:
        kind: The stage.
        state: cached: it is there; publish: it is there and would be published or announced; run: a run would make
            it; refused: a gate refuses what is there; fails: its recipe cannot be made; waits: an earlier stage ends
            the run.
        why: The reason, in words.
        fingerprint: Of what is there.
        made: When that was made, ISO 8601.
    """

    kind: str
    state: State
    why: str
    fingerprint: str | None = None
    made: str | None = None


def plan(config: Config, as_of: datetime | None) -> list[PlannedStage]:
    """What `refresh` would do at every stage; the store is only read, and need not exist.

    Args:
        config: The configuration.
        as_of: Logical time of the run, exclusive; None means all there is.
    """
    steps = Plan(store=Store(config.store.root, plan=True), direct=True)
    run_stages(steps, config, as_of)
    return steps.stages


@dataclass
class Plan(Steps):
    """Steps that ask instead of run; what is not there leaves a stand-in, so that the stages after it are asked too."""

    stages: list[PlannedStage] = field(default_factory=list)
    kinds: Iterator[str] = field(default_factory=lambda: iter(KINDS))

    def run(self, stage: Task[P, Artifact], *args: P.args, **kwargs: P.kwargs) -> Artifact:
        """Ask a stage for its artifact; a stand-in for one that a run would make."""
        kind = next(self.kinds)
        artifact = pending(kind)
        try:
            artifact, _ = unwrap(stage.fn(*args, **kwargs))
            planned = self._found(self.store.manifest(artifact))
        except NotMade as missing:
            planned = PlannedStage(kind=kind, state="run", why=self._why(missing))
        except Pending as waiting:
            planned = self._waits(kind, waiting)
        except WouldWrite:
            planned = PlannedStage(kind=kind, state="publish", why="made already; a run would announce it")
        except GateRefused as refusal:
            planned = PlannedStage(kind=kind, state="refused", why=str(refusal))
        except SidflowError as error:
            planned = PlannedStage(kind=kind, state="fails", why=str(error))
        self.stages.append(planned)
        self.artifacts[kind] = artifact
        return artifact

    def previous(self, interactions: Artifact) -> Release | None:
        """The release before; None if the logical time is not known yet, when nothing asks for it."""
        return None if is_pending(interactions) else super().previous(interactions)

    def check_sizes(self, catalogue: Artifact, config: Config, previous: Release | None) -> None:
        """Nothing here: `validate` says it of the sample."""

    def _found(self, manifest: Manifest) -> PlannedStage:
        published = self.store.is_published(manifest)
        return PlannedStage(
            kind=manifest.kind,
            state="cached" if published else "publish",
            why="" if published else "made already and not published: its gate would pass now",
            fingerprint=manifest.fingerprint,
            made=manifest.created,
        )

    def _waits(self, kind: str, waiting: Pending) -> PlannedStage:
        states = {each.kind: each.state for each in self.stages}
        stopped = [each for each in waiting.kinds if states.get(each) in ("refused", "fails", "waits")]
        if stopped:
            return PlannedStage(kind=kind, state="waits", why=f"{', '.join(stopped)} would not be there")
        if waiting.kinds == ("decision",):  # read before the recipe: it may say to keep what is there
            return PlannedStage(kind=kind, state="run", why="as the decision will say")
        return PlannedStage(kind=kind, state="run", why=f"new {', '.join(dict.fromkeys(waiting.kinds))}")

    def _why(self, missing: NotMade) -> str:
        """What is new against the closest that was made."""
        found = differences(missing, self.store.manifests(missing.kind))
        if found is None:
            return "none was made in this store yet"
        section = _SECTIONS.get(missing.kind, missing.kind)
        said = list(dict.fromkeys(_spoken(each, section) for each in found))
        said = [each for each in said if each != _SPOKEN["encoder"]] or said  # it follows from the settings
        more = f" and {len(said) - MOST_SHOWN} more" if len(said) > MOST_SHOWN else ""
        return "; ".join(said[:MOST_SHOWN]) + more


def _spoken(difference: str, section: str) -> str:
    name, separator, _ = difference.partition(": ")
    if not separator or name == "code":
        return difference
    return _SPOKEN.get(name.partition(".")[0], f"{section}.{difference}")
