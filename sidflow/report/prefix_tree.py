"""Section: the tree of prefixes by topic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from sidflow.report.blocks import Block, Figure, Section, table
from sidflow.report.formats import count, figure_text, share, shorten
from sidflow.report.groups import Groups
from sidflow.report.palette import LINE, SERIES
from sidflow.report.subject import Subject
from sidflow.semantic_ids.topics import Prefix

WIDTHS = 10, 6  # prefixes shown below a first and a second code; the rest is one node
FIRST = 1024  # first codes shown
BIGGEST = 12  # first codes in the table
EXAMPLES = 2  # typical titles of a prefix


@dataclass(frozen=True)
class Prefixes:
    """What is known of prefixes.

    Attributes:
        codes: (N, L).
        topic: Name of an item's prefix, by item and level from 0.
        titles: Typical titles by prefix, the most typical first; small prefixes have none.
    """

    codes: np.ndarray
    topic: Callable[[int, int], str]
    titles: Mapping[Prefix, tuple[str, ...]] = field(default_factory=dict)

    def typical(self, item: int, level: int) -> tuple[str, ...]:
        """Titles typical of an item's prefix, the level counted from 0."""
        return self.titles.get(tuple(self.codes[item, : level + 1].tolist()), ())[:EXAMPLES]


def prefix_tree(subject: Subject, groups: Groups) -> Section:
    """A sunburst, and the biggest first codes as a table for those who read rather than click."""
    known = Prefixes(subject.sids.codes, subject.topic, subject.typical_titles)
    blocks: list[Block] = [sunburst(known, groups), biggest_prefixes(known, subject.titles)]
    return Section("prefixes", "Prefixes and their topics", tuple(blocks))


def sunburst(known: Prefixes, groups: Groups) -> Figure:
    """Groups of first codes, first codes, and two levels below them."""
    codes = known.codes
    nodes = _Nodes()
    nodes.add("all", "", "all items", "all items", len(codes), LINE)
    sizes = np.bincount(groups.of_code[codes[:, 0]], minlength=len(groups.names))
    for number, name in enumerate(groups.names):
        nodes.add(
            f"g{number}",
            "all",
            figure_text(name, 40).replace(", ", "<br>"),
            figure_text(name),
            int(sizes[number]),
            SERIES[number],
        )
    first = np.bincount(codes[:, 0], minlength=len(groups.of_code))
    kept = set(np.argsort(-first, kind="stable")[:FIRST].tolist())
    rows_of = np.split(np.argsort(codes[:, 0], kind="stable"), np.cumsum(first)[:-1])
    for code in groups.order.tolist():
        if code in kept and first[code]:
            _add_prefix(nodes, f"g{groups.of_code[code]}", rows_of[code], known, 0)
    data = {
        "type": "sunburst", "branchvalues": "total", "maxdepth": 3, "sort": False, "insidetextorientation": "radial",
        "ids": nodes.ids, "parents": nodes.parents, "labels": nodes.labels, "values": nodes.values,
        "customdata": nodes.topics, "marker": {"colors": nodes.colours, "line": {"width": 0.5, "color": "--paper"}},
        "hovertemplate": "%{customdata}<br>%{value:,} items, %{percentRoot:.1%}<extra></extra>",
    }  # fmt: skip
    return Figure(
        "prefix-sunburst",
        "Prefixes by items and topic",
        "Inner ring: groups of similar first codes, an aid for the eye and not part of a semantic ID. Then the first "
        "codes; click to go down to second and third codes, click the middle to go up, point at one for typical "
        "titles. Alarming: one slice that dwarfs the others, or neighbours whose topics have nothing in common.",
        f"A sunburst of {len(codes):,} items: {', '.join(groups.names)}.",
        [data],
        {"margin": {"l": 4, "r": 4, "t": 4, "b": 4}, "uniformtext": {"minsize": 11, "mode": "hide"}},
        height=680,
        wide=True,
    )


def biggest_prefixes(known: Prefixes, titles: list[str]) -> Block:
    """The first codes with most items, each with typical titles, or with the title (N,) of its first item."""
    codes = known.codes
    sizes = np.bincount(codes[:, 0])
    rows = []
    for code in np.argsort(-sizes, kind="stable")[:BIGGEST].tolist():
        items = np.flatnonzero(codes[:, 0] == code)
        below = len(np.unique(codes[items, 1])) if len(items) and codes.shape[1] > 1 else 0
        if len(items):
            item = int(items[0])
            typical = known.typical(item, 0) or (titles[item],)
            numbers = (count(len(items)), share(len(items) / len(codes)), count(below))
            examples = "; ".join(shorten(title, 70) for title in typical)
            rows.append((str(code), shorten(known.topic(item, 0), 60), *numbers, examples))
    columns = ("first code", "topic", "items", "share", "second codes", "typical titles")
    return table("The biggest first codes", columns, rows, "rlrrrl", folded="The biggest first codes as a table")


@dataclass
class _Nodes:
    """Columns of the sunburst; ids are ours, labels and topics made harmless by the caller."""

    ids: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    colours: list[str | None] = field(default_factory=list)

    def add(self, name: str, parent: str, label: str, topic: str, items: int, colour: str | None = None) -> None:
        self.ids.append(name)
        self.parents.append(parent)
        self.labels.append(label)
        self.topics.append(topic)
        self.values.append(items)
        self.colours.append(colour)


def _add_prefix(nodes: _Nodes, parent: str, rows: np.ndarray, known: Prefixes, level: int) -> None:
    """A node for these items' common prefix, and its biggest children; a node of one item has none."""
    codes = known.codes
    name = "-".join(map(str, codes[rows[0], : level + 1]))
    text = known.topic(int(rows[0]), level)
    label = figure_text(text, 26) or name
    examples = "".join(f"<br>{figure_text(title)}" for title in known.typical(int(rows[0]), level))
    nodes.add(name, parent, label, f"<b>{name}</b> {figure_text(text)}{examples}", len(rows))
    if level == len(WIDTHS) or len(rows) == 1 or level + 1 >= codes.shape[1]:
        return
    children, belongs, sizes = np.unique(codes[rows, level + 1], return_inverse=True, return_counts=True)
    biggest = np.argsort(-sizes, kind="stable")[: WIDTHS[level]]
    for child in biggest.tolist():
        _add_prefix(nodes, name, rows[belongs == child], known, level + 1)
    if rest := len(rows) - int(sizes[biggest].sum()):
        said = f"{len(children) - len(biggest)} other prefixes"
        nodes.add(f"{name}-other", name, said, f"<b>{name}</b> {said}", rest)
