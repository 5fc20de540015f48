"""Section: a map of the items, coloured by their first codes."""

import numpy as np

from sidflow.report.blocks import Figure, Section
from sidflow.report.formats import figure_text
from sidflow.report.groups import Groups
from sidflow.report.palette import SERIES, SYMBOLS
from sidflow.report.subject import Subject

SAMPLE = 2000  # items on the map; t-SNE of them takes about 5 s of one core
COMPONENTS, PERPLEXITY, ITERATIONS = 30, 30, 500


def item_map(subject: Subject, groups: Groups) -> Section:
    """A projection of the text embeddings, which know nothing of the codes that colour it."""
    from sidflow.embedding.table import read_embeddings

    vectors = read_embeddings(subject.files("embeddings")).vectors
    rows = sample(len(vectors), SAMPLE)
    sids = subject.sids
    texts = [
        f"<b>{figure_text(subject.titles[row])}</b><br>{'-'.join(map(str, sids.codes[row]))}"
        f"<br>{figure_text(subject.topic(row, min(1, len(sids.sizes) - 1)))}"
        for row in rows.tolist()
    ]
    points = project(np.asarray(vectors[rows], np.float32))
    return Section("map", "Map of the items", (map_figure(points, sids.codes[rows, 0], texts, groups),))


def sample(items: int, most: int) -> np.ndarray:
    """At most so many items, drawn with a fixed seed, ascending, (n,) int64."""
    return np.sort(np.random.default_rng(0).choice(items, min(items, most), replace=False))


def project(vectors: np.ndarray) -> np.ndarray:
    """Two coordinates an item: t-SNE on 30 principal components, the same for the same input; (n, 2) float32.

    Args:
        vectors: (n, D). Fewer than 10 items are only rotated to their principal components.

    Source: van der Maaten and Hinton 2008, Visualizing Data using t-SNE, JMLR 9.
    """
    from sklearn.manifold import TSNE

    spread = _principal(vectors, COMPONENTS)
    if len(vectors) < 10 or not spread[:, 1].any():
        return spread[:, :2]
    neighbours = min(PERPLEXITY, (len(vectors) - 1) / 3)
    tsne = TSNE(
        2, init=spread[:, :2] * (1e-4 / spread[:, 0].std()), perplexity=neighbours, max_iter=ITERATIONS, n_jobs=1
    )
    return np.asarray(tsne.fit_transform(spread), np.float32)


def _principal(vectors: np.ndarray, most: int) -> np.ndarray:
    """The first `most` principal components, at least two columns, (n, c) float32; zeros where there is no spread."""
    left, scale, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    scale[scale < 1e-5 * max(float(scale[0]), 1.0)] = 0
    spread = (left * scale)[:, :most].astype(np.float32)
    return np.pad(spread, ((0, 0), (0, max(0, 2 - spread.shape[1]))))


def map_figure(points: np.ndarray, first: np.ndarray, texts: list[str], groups: Groups) -> Figure:
    """Points coloured and shaped by the group of their first code.

    Args:
        points: (n, 2).
        first: First codes, (n,).
        texts: What hovering says, n of them, markup made harmless.
        groups: Of the first codes.
    """
    data = []
    for number, name in enumerate(groups.names):
        rows = np.flatnonzero(groups.of_code[first] == number)
        if len(rows):
            data.append({
                "type": "scatter", "mode": "markers", "name": figure_text(name, 40),
                "x": points[rows, 0].round(2).tolist(), "y": points[rows, 1].round(2).tolist(),
                "text": [texts[row] for row in rows.tolist()], "hovertemplate": "%{text}<extra></extra>",
                "marker": {"color": SERIES[number], "symbol": SYMBOLS[number], "size": 6, "opacity": 0.8},
            })  # fmt: skip
    bare = {"visible": False}
    return Figure(
        "item-map",
        f"{len(points):,} items by the meaning of their texts",
        "Near points have like texts (t-SNE of the embeddings; distances between far islands mean nothing). Colour "
        "and shape are the group of the first code, which the map has not seen. Islands of mostly one colour are good; "
        "alarming is confetti: first codes that do not follow meaning.",
        f"A scatter of {len(points):,} items in {len(data)} groups of first codes: {', '.join(groups.names)}.",
        data,
        {"xaxis": bare, "yaxis": {**bare, "scaleanchor": "x"}, "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
         "legend": {"itemsizing": "constant"}, "hovermode": "closest"},
        height=640,
        wide=True,
    )  # fmt: skip
