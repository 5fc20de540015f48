"""A report: its sections one after another, each on its own, so that what one lacks does not cost the others."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from sidflow.artifacts import Store
from sidflow.errors import SidflowError
from sidflow.quantizer.files import load_quantizer
from sidflow.release import Release
from sidflow.report.blocks import Figure, Note, Section
from sidflow.report.churn import churn
from sidflow.report.code_usage import code_usage
from sidflow.report.gates import gates
from sidflow.report.groups import Groups, group_codes
from sidflow.report.inputs import inputs
from sidflow.report.item_map import item_map
from sidflow.report.learning import learning
from sidflow.report.overview import overview
from sidflow.report.pair_statistics import pair_statistics
from sidflow.report.prefix_tree import prefix_tree
from sidflow.report.ranking import ranking
from sidflow.report.samples import samples
from sidflow.report.stages import stages
from sidflow.report.subject import Subject

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """What is known of a release, ready to be drawn."""

    release: str
    as_of: datetime
    made: datetime
    sections: tuple[Section, ...]

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """All figures by name."""
        return {block.name: block for each in self.sections for block in each.blocks if isinstance(block, Figure)}

    @property
    def missing(self) -> dict[str, str]:
        """Why a section could not be made, by its name."""
        return {each.name: each.failed for each in self.sections if each.failed}


def build_report(store: Store, release: Release) -> Report:
    """All sections of a release; one that cannot be made says why in its place and in the log."""
    subject = Subject(store, release)
    plans: list[tuple[str, str, Callable[[], Section]]] = [
        ("overview", "Overview", lambda: overview(subject)),
        ("metrics", "Metrics beside baselines", lambda: ranking(subject)),
        ("samples", "Sample recommendations", lambda: samples(subject)),
        ("prefixes", "Prefixes and their topics", lambda: prefix_tree(subject, first_codes(subject))),
        ("map", "Map of the items", lambda: item_map(subject, first_codes(subject))),
        ("codes", "Code usage", lambda: code_usage(subject)),
        ("churn", "Change", lambda: churn(subject)),
        ("learning", "Learning curves", lambda: learning(subject)),
        ("pairs", "Pair statistics", lambda: pair_statistics(subject)),
        ("pipeline", "Pipeline and timings", lambda: stages(subject)),
        ("inputs", "Inputs", lambda: inputs(subject)),
        ("gates", "Gates", lambda: gates(subject)),
    ]
    sections = tuple(_section(release.id, *plan) for plan in plans)
    return Report(release.id, release.as_of, datetime.now(UTC), sections)


def first_codes(subject: Subject) -> Groups:
    """Groups of the release's first codes."""
    codebook = load_quantizer(subject.files("quantizer")).codebooks[0]
    topics = [subject.topic(item) for item in range(len(subject.sids.codes))]
    return group_codes(codebook, subject.sids.codes[:, 0], topics)


def _section(release: str, name: str, title: str, make: Callable[[], Section]) -> Section:
    try:
        return make()
    except Exception as error:  # a release of another version may lack anything; the page says what and why
        reason = str(error) if isinstance(error, SidflowError) else f"{type(error).__name__}: {error}"
        logger.warning("report of release %s: section '%s' is left out: %s", release, name, reason)
        return Section(name, title, (Note(f"This section could not be made: {reason}", "missing"),), failed=reason)
