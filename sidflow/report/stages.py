"""Section: the stages of the pipeline, what each cost, and which release made it."""

from collections.abc import Mapping

from sidflow.artifacts import Manifest
from sidflow.report.blocks import Block, Figure, Mark, Section, Table, axes, table
from sidflow.report.formats import count, seconds, size
from sidflow.report.palette import SERIES
from sidflow.report.subject import Subject


def stages(subject: Subject) -> Section:
    """A row a stage, and a bar a stage."""
    makers = made_by(subject)
    blocks: list[Block] = [
        stage_times(subject.manifests, makers, subject.release.id),
        stage_table(subject.manifests, makers, subject.release.id),
    ]
    return Section("pipeline", "Pipeline and timings", tuple(blocks))


def made_by(subject: Subject) -> dict[str, str]:
    """The release that first pinned each stage's artifact, by kind; stages that it shares with none are its own."""
    own = subject.release
    return {kind: subject.first_pinned.get(each.path, own.id) for kind, each in own.artifacts.items()}


def stage_table(manifests: Mapping[str, Manifest], makers: Mapping[str, str], release: str) -> Table:
    """Rows, cost, size and fingerprint of every stage."""
    rows = []
    for kind, each in manifests.items():
        maker = makers.get(kind, release)
        origin = "this release" if maker == release else Mark(f"cached, from {maker}", "muted")
        cost = (count(each.rows), seconds(each.seconds), size(each.bytes), size(each.peak_memory_bytes))
        rows.append((kind, *cost, origin, Mark(each.fingerprint[:12], "code")))
    columns = ("stage", "rows", "time", "size", "peak memory", "made for", "fingerprint")
    return table("Stages in flow order", columns, rows, "lrrrrll", reading=(
        "Rows of the quantizer are codes, those of the decoder parameters. Peak memory is that of the whole process "
        "when the stage ended, so it never falls along one run. A stage that should have been cached and was not has "
        "another fingerprint than before: compare the two manifests."
    ))  # fmt: skip


def stage_times(manifests: Mapping[str, Manifest], makers: Mapping[str, str], release: str) -> Figure:
    """A bar a stage, those made for this release apart from those that an earlier one made."""
    kinds = [kind for kind in manifests if kind != "release"][::-1]
    groups = (("made for this release", SERIES[0], True), ("cached from an earlier release", SERIES[7], False))
    data = []
    for name, colour, is_own in groups:
        chosen = [kind for kind in kinds if (makers.get(kind, release) == release) == is_own]
        took = [manifests[kind].seconds for kind in chosen]
        data.append({
            "type": "bar", "orientation": "h", "name": name, "y": [kind.replace("_", " ") for kind in chosen],
            "x": took, "text": [seconds(each) for each in took], "textposition": "outside", "cliponaxis": False,
            "marker": {"color": colour}, "hovertemplate": "%{y}: %{text}<extra></extra>",
        })  # fmt: skip
    slowest = max(kinds, key=lambda kind: manifests[kind].seconds, default="none")
    order = {"categoryorder": "array", "categoryarray": [kind.replace("_", " ") for kind in kinds], "showgrid": False}
    longest = max((each.seconds for each in manifests.values()), default=1.0)
    return Figure(
        "stage-times",
        "Seconds by stage",
        "One bar a stage, in flow order. Alarming: a stage that takes much longer than in the release before at about "
        "the same number of rows.",
        f"Horizontal bars of seconds by stage; the longest is {slowest}.",
        [each for each in data if each["x"]],
        axes("seconds", "", barmode="overlay", yaxis=order, xaxis={"range": [0, longest * 1.18]}),
        height=60 + 26 * len(kinds),
        wide=True,
    )
